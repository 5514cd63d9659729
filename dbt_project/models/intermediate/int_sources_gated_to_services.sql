with

source_services as (

    select * from {{ ref('int_service_mappings_spread_to_services') }}

),

source_states as (

    select * from {{ ref('stg_lake__source_states') }}

),

-- A mapped source is expected: one that nobody has heard of is incomplete, not silent.
gated as (

    select distinct source_services.service_id
    from source_services
    left join source_states on source_services.source = source_states.source
    where not coalesce(source_states.is_complete, false)

)

select * from gated
