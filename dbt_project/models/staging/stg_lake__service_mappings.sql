with

raw as (

    select * from {{ raw_scan('service_mappings') }}

),

renamed as (

    select
        source,
        match_service,
        service_id,
        rule,
        position,
        share,
        percent,
        is_last,
        is_excluded,
        valid_from
    from raw

)

select * from renamed
