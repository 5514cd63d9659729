with

raw as (

    select * from {{ raw_scan('billing_periods') }}

),

renamed as (

    select
        period,
        first_day,
        as_of_date,
        currency
    from raw

)

select * from renamed
