select
    line_id,
    count(*) as deltas
from {{ ref('reconciliation_deltas') }}
where line_id is not null
group by line_id
having count(*) > 1
