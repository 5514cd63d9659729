with

mapped_usage as (

    select * from {{ ref('mapped_usage') }}
    where currency is not null

),

deltas as (

    select * from {{ ref('reconciliation_deltas') }}
    where line_id is not null

),

mismatches as (

    select distinct
        mapped_usage.source,
        deltas.account_id,
        deltas.account_name,
        deltas.service_id,
        deltas.service_name,
        deltas.line_id,
        mapped_usage.currency as usage_currency,
        deltas.currency as line_currency
    from mapped_usage
    inner join deltas
        on
            mapped_usage.account_id = deltas.account_id
            and mapped_usage.service_id = deltas.service_id
    where mapped_usage.currency <> deltas.currency

)

select * from mismatches
