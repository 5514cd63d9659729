-- Nothing is lost and nothing doubled between reading and mapping.
select *
from {{ ref('usage_conservation') }}
where quantity <> mapped + unmapped + excluded
