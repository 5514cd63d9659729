-- The PSA's own figure may be negative; a figure of ours never is.
select *
from {{ ref('reconciliation_deltas') }}
where quantity_after < 0 and quantity_after <> coalesce(quantity_before, 0)
