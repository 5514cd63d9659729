{{ config(materialized='scratch_view') }}

with

usage_rows as (

    select * from {{ ref('stg_lake__usage_rows') }}
    where is_quantity_row

),

mapped_usage as (

    select distinct
        source,
        match_account,
        match_service,
        account_id,
        service_id
    from {{ ref('mapped_usage') }}

),

evidence as (

    select
        mapped_usage.account_id,
        mapped_usage.service_id,
        usage_rows.source,
        usage_rows.file_name,
        usage_rows.sha256,
        usage_rows.sheet,
        usage_rows.record_number,
        usage_rows.account_key,
        usage_rows.service_key,
        usage_rows.quantity
    from usage_rows
    inner join mapped_usage
        on
            usage_rows.source = mapped_usage.source
            and usage_rows.match_account = mapped_usage.match_account
            and usage_rows.match_service = mapped_usage.match_service

)

select * from evidence
