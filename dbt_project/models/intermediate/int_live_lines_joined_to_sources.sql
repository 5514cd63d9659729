with

live_lines as (

    select * from {{ ref('int_agreement_lines_filtered_to_live_lines') }}

),

source_services as (

    select * from {{ ref('int_service_mappings_spread_to_services') }}

),

source_accounts as (

    select * from {{ ref('int_account_mappings_spread_to_accounts') }}

),

joined as (

    select
        live_lines.line_id,
        source_services.source,
        live_lines.account_id,
        live_lines.service_id
    from live_lines
    inner join source_services on live_lines.service_id = source_services.service_id
    inner join source_accounts
        on
            source_services.source = source_accounts.source
            and live_lines.account_id = source_accounts.account_id

)

select * from joined
