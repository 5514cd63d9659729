with

raw as (

    select * from {{ raw_scan('previous_usage_rows') }}

),

renamed as (

    select
        source,
        profile,
        part,
        match_account,
        match_service,
        subscription_id,
        quantity,
        charge_class,
        charge_class in ('recurring', 'cancel') as is_quantity_row,
        file_name,
        sha256,
        sheet,
        row as record_number
    from raw

)

select * from renamed
