with

usage_keys as (

    select * from {{ ref('int_subscriptions_added_to_keys') }}

),

prepaid as (

    select * from {{ ref('int_earlier_subscriptions_filtered_to_prepaid') }}

),

decisions as (

    select * from {{ ref('int_keys_joined_to_decisions') }}

),

account_mappings as (

    select * from {{ ref('stg_lake__account_mappings') }}

),

-- What an earlier invoice paid for counts beside what this month's rows say, and is told apart from it.
keys as (

    select
        source,
        basis,
        match_account,
        match_service,
        key_term,
        currency,
        false as is_prepaid,
        quantity,
        row_count
    from usage_keys
    union all
    select
        source,
        basis,
        match_account,
        match_service,
        key_term,
        currency,
        true as is_prepaid,
        cast(sum(quantity) as decimal(38, 10)) as quantity,
        cast(sum(row_count) as bigint) as row_count
    from prepaid
    group by source, basis, match_account, match_service, key_term, currency

),

split as (

    {{ split_to_accounts('quantity', ['is_prepaid']) | indent(4) }}

)

select * from split
