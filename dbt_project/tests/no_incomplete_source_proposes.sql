select deltas.*
from {{ ref('reconciliation_deltas') }} as deltas
inner join {{ ref('delta_sources') }} as delta_sources
    on
        deltas.account_id = delta_sources.account_id
        and deltas.service_id = delta_sources.service_id
left join {{ ref('stg_lake__source_states') }} as source_states on delta_sources.source = source_states.source
where deltas.outcome = 'proposed' and not coalesce(source_states.is_complete, false)
