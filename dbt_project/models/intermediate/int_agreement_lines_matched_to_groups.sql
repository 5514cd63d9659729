with

agreement_lines as (

    select * from {{ ref('stg_lake__agreement_lines') }}

),

service_mappings as (

    select * from {{ ref('stg_lake__service_mappings') }}

),

matched as (

    select
        service_mappings.source,
        service_mappings.match_service,
        agreement_lines.account_id,
        service_mappings.service_id,
        row_number() over (
            partition by service_mappings.source, service_mappings.match_service, agreement_lines.account_id
            order by service_mappings.position
        ) as place
    from service_mappings
    inner join agreement_lines on service_mappings.service_id = agreement_lines.service_id
    where service_mappings.rule = 'first_present'

),

first_matched as (

    select
        source,
        match_service,
        account_id,
        service_id
    from matched
    where place = 1

)

select * from first_matched
