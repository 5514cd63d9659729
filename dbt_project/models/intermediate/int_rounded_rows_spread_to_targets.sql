with

usage_rows as (

    select * from {{ ref('stg_lake__usage_rows') }}
    where is_quantity_row and is_rounded

),

mapped_usage as (

    select * from {{ ref('mapped_usage') }}

),

rounded_keys as (

    select distinct
        source,
        match_account,
        match_service
    from usage_rows

),

spread as (

    select distinct
        mapped_usage.account_id,
        mapped_usage.service_id
    from mapped_usage
    inner join rounded_keys
        on
            mapped_usage.source = rounded_keys.source
            and mapped_usage.match_account = rounded_keys.match_account
            and mapped_usage.match_service = rounded_keys.match_service

)

select * from spread
