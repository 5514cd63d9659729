with

unmapped_usage as (

    select * from {{ ref('unmapped_usage') }}
    where not is_service_mapped

),

added as (

    select
        source,
        match_service,
        min(service_key) as service_key,
        min(service_name) as service_name,
        cast(sum(quantity) as decimal(38, 10)) as quantity
    from unmapped_usage
    group by source, match_service

)

select * from added
