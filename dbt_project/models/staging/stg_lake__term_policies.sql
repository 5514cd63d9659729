with

raw as (

    select * from {{ raw_scan('term_policies') }}

),

renamed as (

    select
        valid_from,
        valid_until,
        decrease_days,
        policy_source
    from raw

)

select * from renamed
