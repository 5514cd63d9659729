with

raw as (

    select * from {{ raw_scan('psa_accounts') }}

),

renamed as (

    select
        id as account_id,
        name as account_name,
        is_active
    from raw

)

select * from renamed
