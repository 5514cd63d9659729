with

mapped_usage as (

    select * from {{ ref('mapped_usage') }}

),

lines_in_scope as (

    select * from {{ ref('int_live_lines_joined_to_sources') }}

),

deltas as (

    select * from {{ ref('reconciliation_deltas') }}

),

speaking as (

    select
        account_id,
        service_id,
        source,
        true as is_feeding
    from mapped_usage
    union
    select
        account_id,
        service_id,
        source,
        false as is_feeding
    from lines_in_scope

),

-- Those that feed it; where nothing does, those that could have.
chosen as (

    select distinct
        deltas.account_id,
        deltas.service_id,
        speaking.source
    from deltas
    inner join speaking
        on
            deltas.account_id = speaking.account_id
            and deltas.service_id = speaking.service_id
            and deltas.is_fed = speaking.is_feeding

)

select * from chosen
