with

raw as (

    select * from {{ raw_scan('psa_lines') }}

),

renamed as (

    select
        id as line_id,
        agreement_id,
        account_id,
        service_id,
        quantity,
        psa_included,
        unit_price,
        unit_cost,
        start_date,
        end_date
    from raw

)

select * from renamed
