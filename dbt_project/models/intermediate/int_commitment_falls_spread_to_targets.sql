with

falls as (

    select * from {{ ref('int_subscriptions_compared_to_last_month') }}
    where is_suspect

),

account_mappings as (

    select * from {{ ref('stg_lake__account_mappings') }}
    where not is_excluded

),

service_mappings as (

    select * from {{ ref('stg_lake__service_mappings') }}
    where not is_excluded

),

spread as (

    select distinct
        account_mappings.account_id,
        service_mappings.service_id
    from falls
    inner join account_mappings
        on
            falls.source = account_mappings.source
            and falls.match_account = account_mappings.match_account
    inner join service_mappings
        on
            falls.source = service_mappings.source
            and falls.match_service = service_mappings.match_service

)

select * from spread
