-- No money of a file is lost or doubled between reading and mapping, in any currency.
select *
from {{ ref('money_conservation') }}
where amount <> mapped + unmapped + excluded + classed
