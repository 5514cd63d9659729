with

service_mappings as (

    select * from {{ ref('stg_lake__service_mappings') }}

),

spread as (

    select distinct
        source,
        service_id
    from service_mappings
    where not is_excluded

)

select * from spread
