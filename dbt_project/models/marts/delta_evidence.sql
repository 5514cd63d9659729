{{ config(materialized='scratch_view') }}

with

usage_rows as (

    select * from {{ ref('stg_lake__usage_rows') }}
    where is_quantity_row

),

earlier_rows as (

    select * from {{ ref('stg_lake__earlier_usage_rows') }}
    where is_quantity_row

),

prepaid as (

    select * from {{ ref('int_earlier_subscriptions_filtered_to_prepaid') }}

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

counted as (

    select
        source,
        match_account,
        match_service,
        file_name,
        sha256,
        sheet,
        record_number,
        account_key,
        service_key,
        quantity
    from usage_rows
    union all
    select
        earlier_rows.source,
        earlier_rows.match_account,
        earlier_rows.match_service,
        earlier_rows.file_name,
        earlier_rows.sha256,
        earlier_rows.sheet,
        earlier_rows.record_number,
        earlier_rows.account_key,
        earlier_rows.service_key,
        earlier_rows.quantity
    from earlier_rows
    inner join prepaid
        on
            earlier_rows.drop_id = prepaid.drop_id
            and earlier_rows.match_account = prepaid.match_account
            and earlier_rows.match_service = prepaid.match_service
            and coalesce(earlier_rows.key_term, '') = coalesce(prepaid.key_term, '')
            and coalesce(earlier_rows.currency, '') = coalesce(prepaid.currency, '')
            and coalesce(earlier_rows.subscription_id, '') = coalesce(prepaid.subscription_id, '')

),

evidence as (

    select
        mapped_usage.account_id,
        mapped_usage.service_id,
        counted.source,
        counted.file_name,
        counted.sha256,
        counted.sheet,
        counted.record_number,
        counted.account_key,
        counted.service_key,
        counted.quantity
    from counted
    inner join mapped_usage
        on
            counted.source = mapped_usage.source
            and counted.match_account = mapped_usage.match_account
            and counted.match_service = mapped_usage.match_service

)

select * from evidence
