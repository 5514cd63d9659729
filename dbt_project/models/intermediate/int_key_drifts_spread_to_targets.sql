with

drifts as (

    select * from {{ ref('int_lost_keys_matched_to_new_keys') }}

),

account_mappings as (

    select * from {{ ref('stg_lake__account_mappings') }}

),

service_mappings as (

    select * from {{ ref('stg_lake__service_mappings') }}

),

new_accounts as (

    select
        source,
        match_account,
        max(valid_from) as valid_from,
        max(case when is_excluded then 1 else 0 end) as is_excluded
    from account_mappings
    group by source, match_account

),

new_services as (

    select
        source,
        match_service,
        max(valid_from) as valid_from,
        max(case when is_excluded then 1 else 0 end) as is_excluded
    from service_mappings
    group by source, match_service

),

-- An entry for the new key that begins no earlier than the drift was seen is a person's word on it.
undecided as (

    select
        drifts.*,
        coalesce(new_accounts.is_excluded, 0) + coalesce(new_services.is_excluded, 0) > 0 as is_excluded
    from drifts
    left join new_accounts
        on
            drifts.source = new_accounts.source
            and drifts.match_account = new_accounts.match_account
    left join new_services
        on
            drifts.source = new_services.source
            and drifts.match_service = new_services.match_service
    where
        (
            drifts.account_before <> drifts.match_account
            and coalesce(new_accounts.valid_from, {{ first_day_of_time() }}) < drifts.seen_since
        )
        or (
            drifts.service_before <> drifts.match_service
            and coalesce(new_services.valid_from, {{ first_day_of_time() }}) < drifts.seen_since
        )

),

spread as (

    select distinct
        undecided.*,
        old_accounts.account_id,
        old_services.service_id
    from undecided
    inner join account_mappings as old_accounts
        on
            undecided.source = old_accounts.source
            and undecided.account_before = old_accounts.match_account
    inner join service_mappings as old_services
        on
            undecided.source = old_services.source
            and undecided.service_before = old_services.match_service
    where not old_accounts.is_excluded and not old_services.is_excluded

),

-- Where the new key leads to the same place nothing is lost.
unreached as (

    select spread.*
    from spread
    left join account_mappings
        on
            spread.source = account_mappings.source
            and spread.match_account = account_mappings.match_account
            and spread.account_id = account_mappings.account_id
    left join service_mappings
        on
            spread.source = service_mappings.source
            and spread.match_service = service_mappings.match_service
            and spread.service_id = service_mappings.service_id
    where account_mappings.account_id is null or service_mappings.service_id is null

)

select * from unreached
