with

usage_keys as (

    select * from {{ ref('int_subscriptions_added_to_keys') }}

),

prepaid as (

    select * from {{ ref('int_earlier_subscriptions_filtered_to_prepaid') }}

),

usage_rows as (

    select * from {{ ref('stg_lake__usage_rows') }}

),

doubtful_rows as (

    select * from {{ ref('stg_lake__doubtful_rows') }}

),

account_mappings as (

    select * from {{ ref('stg_lake__account_mappings') }}

),

service_mappings as (

    select * from {{ ref('stg_lake__service_mappings') }}

),

pairs as (

    select
        source,
        match_account,
        match_service,
        0 as is_questionable,
        1 as is_named
    from usage_keys
    union all
    select
        source,
        match_account,
        match_service,
        0 as is_questionable,
        0 as is_named
    from prepaid
    union all
    select
        source,
        match_account,
        match_service,
        1 as is_questionable,
        1 as is_named
    from usage_rows
    where charge_class = 'unknown'
    union all
    select
        source,
        match_account,
        match_service,
        1 as is_questionable,
        1 as is_named
    from doubtful_rows

),

distinct_pairs as (

    select
        source,
        match_account,
        match_service,
        max(is_questionable) = 1 as is_questionable,
        max(is_named) = 1 as is_named
    from pairs
    group by source, match_account, match_service

),

account_decisions as (

    select
        source,
        match_account,
        case when max(case when is_excluded then 1 else 0 end) = 1 then 'excluded' else 'mapped' end as decision
    from account_mappings
    group by source, match_account

),

service_decisions as (

    select
        source,
        match_service,
        case when max(case when is_excluded then 1 else 0 end) = 1 then 'excluded' else 'mapped' end as decision
    from service_mappings
    group by source, match_service

),

decided as (

    select
        distinct_pairs.source,
        distinct_pairs.match_account,
        distinct_pairs.match_service,
        distinct_pairs.is_questionable,
        distinct_pairs.is_named,
        coalesce(account_decisions.decision, 'unmapped') as account_decision,
        coalesce(service_decisions.decision, 'unmapped') as service_decision
    from distinct_pairs
    left join account_decisions
        on
            distinct_pairs.source = account_decisions.source
            and distinct_pairs.match_account = account_decisions.match_account
    left join service_decisions
        on
            distinct_pairs.source = service_decisions.source
            and distinct_pairs.match_service = service_decisions.match_service

),

-- An exclusion is a decision and wins; otherwise both keys must be mapped.
disposed as (

    select
        *,
        case
            when account_decision = 'excluded' or service_decision = 'excluded' then 'excluded'
            when account_decision = 'unmapped' or service_decision = 'unmapped' then 'unmapped'
            else 'mapped'
        end as disposition
    from decided

)

select * from disposed
