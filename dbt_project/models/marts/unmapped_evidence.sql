{{ config(materialized='scratch_view') }}

with

usage_rows as (

    select * from {{ ref('stg_lake__usage_rows') }}
    where is_quantity_row

),

unmapped_keys as (

    select * from {{ ref('int_keys_joined_to_decisions') }}
    where disposition = 'unmapped'

),

evidence as (

    select
        usage_rows.source,
        usage_rows.match_account,
        usage_rows.match_service,
        usage_rows.currency,
        usage_rows.file_name,
        usage_rows.sha256,
        usage_rows.sheet,
        usage_rows.record_number
    from usage_rows
    inner join unmapped_keys
        on
            usage_rows.source = unmapped_keys.source
            and usage_rows.match_account = unmapped_keys.match_account
            and usage_rows.match_service = unmapped_keys.match_service

)

select * from evidence
