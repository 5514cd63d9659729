with

raw as (

    select * from {{ raw_scan('psa_agreements') }}

),

renamed as (

    select
        id as agreement_id,
        account_id,
        name as agreement_name,
        is_active,
        start_date,
        end_date,
        currency
    from raw

)

select * from renamed
