with

usage_rows as (

    select * from {{ ref('stg_lake__usage_rows') }}
    where charge_class = 'recurring' and unit_cost is not null

),

previous_rows as (

    select * from {{ ref('stg_lake__previous_usage_rows') }}
    where charge_class = 'recurring' and unit_cost is not null

),

costs_now as (

    select
        source,
        match_account,
        match_service,
        currency,
        min(service_key) as service_key,
        min(service_name) as service_name,
        min(unit_cost) as lowest,
        max(unit_cost) as highest,
        cast(sum(quantity) as decimal(38, 10)) as quantity
    from usage_rows
    group by source, match_account, match_service, currency

),

costs_before as (

    select
        source,
        match_account,
        match_service,
        currency,
        min(unit_cost) as lowest,
        max(unit_cost) as highest
    from previous_rows
    group by source, match_account, match_service, currency

),

-- One cost a month, and another one: where rows of a key cost differently, nobody can say which of them changed.
changed as (

    select
        costs_now.source,
        costs_now.match_account,
        costs_now.match_service,
        costs_now.currency,
        costs_now.service_key,
        coalesce(costs_now.service_name, costs_now.service_key) as service_name,
        costs_before.highest as cost_before,
        costs_now.highest as cost_now,
        costs_now.quantity
    from costs_now
    inner join costs_before
        on
            costs_now.source = costs_before.source
            and costs_now.match_account = costs_before.match_account
            and costs_now.match_service = costs_before.match_service
            and coalesce(costs_now.currency, '') = coalesce(costs_before.currency, '')
    where
        costs_now.lowest = costs_now.highest
        and costs_before.lowest = costs_before.highest
        and costs_now.highest <> costs_before.highest

)

select * from changed
