-- Two live entries for one key would count its usage twice.
select
    source,
    match_account as match_key,
    'account' as key_of
from {{ ref('stg_lake__account_mappings') }}
where position = 1
group by source, match_account
having count(*) > 1
union all
select
    source,
    match_service as match_key,
    'service' as key_of
from {{ ref('stg_lake__service_mappings') }}
where position = 1
group by source, match_service
having count(*) > 1
