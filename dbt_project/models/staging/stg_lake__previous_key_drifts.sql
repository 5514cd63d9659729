with

raw as (

    select * from {{ raw_scan('previous_key_drifts') }}

),

renamed as (

    select
        source,
        account_before,
        service_before,
        match_account,
        match_service,
        likeness,
        seen_since,
        quantity_before
    from raw

)

select * from renamed
