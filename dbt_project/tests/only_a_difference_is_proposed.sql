select *
from {{ ref('reconciliation_deltas') }}
where outcome = 'proposed' and quantity_after = coalesce(quantity_before, 0)
