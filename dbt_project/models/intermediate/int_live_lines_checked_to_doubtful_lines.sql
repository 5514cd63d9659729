with

live_lines as (

    select * from {{ ref('int_agreement_lines_filtered_to_live_lines') }}

),

source_services as (

    select * from {{ ref('int_service_mappings_spread_to_services') }}

),

doubts as (

    select * from {{ ref('int_doubts_spread_to_targets') }}

),

suspects as (

    select
        live_lines.line_id,
        live_lines.account_id,
        live_lines.service_id,
        source_services.source
    from live_lines
    inner join source_services on live_lines.service_id = source_services.service_id

),

-- The four ways a doubt can reach a line, each with its own equality so that no engine compares all with all.
wordings as (

    select
        line_id,
        source,
        account_id,
        service_id
    from suspects
    union all
    select
        line_id,
        source,
        '' as account_id,
        service_id
    from suspects
    union all
    select
        line_id,
        source,
        account_id,
        '' as service_id
    from suspects
    union all
    select
        line_id,
        source,
        '' as account_id,
        '' as service_id
    from suspects

),

doubtful as (

    select distinct wordings.line_id
    from wordings
    inner join doubts
        on
            wordings.source = doubts.source
            and wordings.account_id = doubts.account_id
            and wordings.service_id = doubts.service_id

)

select * from doubtful
