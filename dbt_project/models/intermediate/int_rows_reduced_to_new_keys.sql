with

usage_rows as (

    select * from {{ ref('stg_lake__usage_rows') }}
    where is_quantity_row

),

previous_keys as (

    select * from {{ ref('int_previous_rows_added_to_keys') }}

),

previous_accounts as (

    select distinct
        source,
        match_account
    from previous_keys

),

previous_services as (

    select distinct
        source,
        match_service
    from previous_keys

),

previous_sources as (

    select distinct source from previous_keys

),

current_keys as (

    select distinct
        source,
        match_account,
        match_service
    from {{ ref('int_subscriptions_added_to_keys') }}

),

compared as (

    select
        current_keys.source,
        current_keys.match_account,
        current_keys.match_service,
        previous_accounts.match_account is null as is_new_account,
        previous_services.match_service is null as is_new_service
    from current_keys
    inner join previous_sources on current_keys.source = previous_sources.source
    left join previous_accounts
        on
            current_keys.source = previous_accounts.source
            and current_keys.match_account = previous_accounts.match_account
    left join previous_services
        on
            current_keys.source = previous_services.source
            and current_keys.match_service = previous_services.match_service

),

-- As the rows state it: what both months can be compared by, whatever the method.
added as (

    select
        compared.source,
        compared.match_account,
        compared.match_service,
        compared.is_new_account,
        compared.is_new_service,
        cast(sum(usage_rows.quantity) as decimal(38, 10)) as quantity
    from compared
    inner join usage_rows
        on
            compared.source = usage_rows.source
            and compared.match_account = usage_rows.match_account
            and compared.match_service = usage_rows.match_service
    where compared.is_new_account or compared.is_new_service
    group by
        compared.source,
        compared.match_account,
        compared.match_service,
        compared.is_new_account,
        compared.is_new_service

)

select * from added
