select
    account_id,
    service_id,
    count(*) as deltas
from {{ ref('reconciliation_deltas') }}
where line_id is null
group by account_id, service_id
having count(*) > 1
