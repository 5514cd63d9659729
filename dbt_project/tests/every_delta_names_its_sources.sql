select deltas.*
from {{ ref('reconciliation_deltas') }} as deltas
left join {{ ref('delta_sources') }} as delta_sources
    on
        deltas.account_id = delta_sources.account_id
        and deltas.service_id = delta_sources.service_id
where delta_sources.source is null
