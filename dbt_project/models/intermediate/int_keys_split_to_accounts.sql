{%- set key = [
    'usage_keys.source', 'usage_keys.basis', 'usage_keys.match_account', 'usage_keys.match_service',
    'usage_keys.key_term', 'usage_keys.currency',
] -%}

with

usage_keys as (

    select * from {{ ref('int_subscriptions_added_to_keys') }}

),

decisions as (

    select * from {{ ref('int_keys_joined_to_decisions') }}

),

account_mappings as (

    select * from {{ ref('stg_lake__account_mappings') }}

),

split as (

    select
        usage_keys.source,
        usage_keys.basis,
        usage_keys.match_account,
        usage_keys.match_service,
        usage_keys.key_term,
        usage_keys.currency,
        account_mappings.account_id,
        usage_keys.row_count,
        {{ share_of('usage_keys.quantity', 'account_mappings.share', 'account_mappings.is_last', key) }} as quantity
    from usage_keys
    inner join decisions
        on
            usage_keys.source = decisions.source
            and usage_keys.match_account = decisions.match_account
            and usage_keys.match_service = decisions.match_service
    inner join account_mappings
        on
            usage_keys.source = account_mappings.source
            and usage_keys.match_account = account_mappings.match_account
    where decisions.disposition = 'mapped'

)

select * from split
