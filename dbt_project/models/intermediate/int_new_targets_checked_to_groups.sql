with

targets as (

    select * from {{ ref('int_service_keys_added_to_targets') }}
    where quantity_used > 0

),

group_lines as (

    select * from {{ ref('int_live_lines_counted_to_groups') }}

),

source_accounts as (

    select * from {{ ref('int_account_mappings_spread_to_accounts') }}

),

service_mappings as (

    select * from {{ ref('stg_lake__service_mappings') }}
    where rule = 'first_present'

),

-- What stands on the account's lines, and what would once everything used had a line of its own.
standing as (

    select
        source,
        match_service,
        account_id,
        service_id
    from group_lines
    union
    select
        service_mappings.source,
        service_mappings.match_service,
        targets.account_id,
        targets.service_id
    from targets
    inner join service_mappings on targets.service_id = service_mappings.service_id
    inner join source_accounts
        on
            service_mappings.source = source_accounts.source
            and targets.account_id = source_accounts.account_id

),

counted as (

    select
        *,
        count(*) over (partition by source, match_service, account_id) as service_count
    from standing

),

crowded as (

    select distinct
        account_id,
        service_id
    from counted
    where service_count > 1

)

select * from crowded
