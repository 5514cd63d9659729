select distinct lines_in_scope.line_id
from {{ ref('int_live_lines_joined_to_sources') }} as lines_in_scope
left join {{ ref('reconciliation_deltas') }} as deltas on lines_in_scope.line_id = deltas.line_id
where deltas.line_id is null
