with

raw as (

    select * from {{ raw_scan('unit_rules') }}

),

renamed as (

    select
        scope,
        line_id,
        account_id,
        service_id,
        included,
        block,
        minimum,
        maximum
    from raw

)

select * from renamed
