with

decisions as (

    select * from {{ ref('int_keys_joined_to_decisions') }}

),

account_mappings as (

    select * from {{ ref('stg_lake__account_mappings') }}

),

service_mappings as (

    select * from {{ ref('stg_lake__service_mappings') }}

),

doubts as (

    select * from decisions
    where is_named and (disposition = 'unmapped' or (is_questionable and disposition = 'mapped'))

),

-- An empty id stands for any: the key could not be read or leads nowhere, so it may belong anywhere.
spread as (

    select distinct
        doubts.source,
        coalesce(account_mappings.account_id, '') as account_id,
        coalesce(service_mappings.service_id, '') as service_id
    from doubts
    left join account_mappings
        on
            doubts.source = account_mappings.source
            and doubts.match_account = account_mappings.match_account
    left join service_mappings
        on
            doubts.source = service_mappings.source
            and doubts.match_service = service_mappings.match_service

)

select * from spread
