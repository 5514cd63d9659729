with

raw as (

    select * from {{ raw_scan('psa_services') }}

),

renamed as (

    select
        id as service_id,
        code as service_code,
        name as service_name,
        is_active,
        unit_cost,
        unit_price
    from raw

)

select * from renamed
