with

lines_in_scope as (

    select * from {{ ref('int_live_lines_joined_to_sources') }}

),

service_mappings as (

    select * from {{ ref('stg_lake__service_mappings') }}

),

counted as (

    select
        service_mappings.source,
        service_mappings.match_service,
        lines_in_scope.account_id,
        lines_in_scope.service_id,
        cast(count(*) as bigint) as line_count
    from service_mappings
    inner join lines_in_scope
        on
            service_mappings.source = lines_in_scope.source
            and service_mappings.service_id = lines_in_scope.service_id
    where service_mappings.rule = 'first_present'
    group by
        service_mappings.source,
        service_mappings.match_service,
        lines_in_scope.account_id,
        lines_in_scope.service_id

),

grouped as (

    select
        *,
        cast(
            sum(line_count) over (partition by source, match_service, account_id) as bigint
        ) as group_line_count,
        row_number() over (partition by source, match_service, account_id order by service_id) as place
    from counted

)

select * from grouped
