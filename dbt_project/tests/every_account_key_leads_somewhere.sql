-- Usage that no account mapping leads anywhere is money nobody asks for: a warning for people, never a stop.
{{ config(severity='warn') }}

select *
from {{ ref('unmapped_accounts') }}
