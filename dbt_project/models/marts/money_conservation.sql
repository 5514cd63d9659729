with

usage_rows as (

    select * from {{ ref('stg_lake__usage_rows') }}
    where amount is not null

),

decisions as (

    select * from {{ ref('int_keys_joined_to_decisions') }}

),

classed_rows as (

    select * from {{ ref('classed_rows') }}

),

whole as (

    select
        source,
        coalesce(currency, '') as currency,
        cast(sum(amount) as decimal(38, 10)) as amount
    from usage_rows
    group by source, coalesce(currency, '')

),

keys as (

    select
        source,
        match_account,
        match_service,
        coalesce(currency, '') as currency,
        cast(sum(amount) as decimal(38, 10)) as amount
    from usage_rows
    where is_quantity_row
    group by source, match_account, match_service, coalesce(currency, '')

),

decided as (

    select
        keys.source,
        keys.currency,
        cast(sum(case when decisions.disposition = 'mapped' then keys.amount else 0 end) as decimal(38, 10)) as mapped,
        cast(
            sum(case when decisions.disposition = 'unmapped' then keys.amount else 0 end) as decimal(38, 10)
        ) as unmapped,
        cast(
            sum(case when decisions.disposition = 'excluded' then keys.amount else 0 end) as decimal(38, 10)
        ) as excluded
    from keys
    inner join decisions
        on
            keys.source = decisions.source
            and keys.match_account = decisions.match_account
            and keys.match_service = decisions.match_service
    group by keys.source, keys.currency

),

classed as (

    select
        source,
        coalesce(currency, '') as currency,
        cast(sum(amount) as decimal(38, 10)) as amount
    from classed_rows
    group by source, coalesce(currency, '')

),

-- Each part is counted where it ended up, never as what is left of the whole.
balance as (

    select
        whole.source,
        whole.currency,
        whole.amount,
        coalesce(decided.mapped, cast(0 as decimal(38, 10))) as mapped,
        coalesce(decided.unmapped, cast(0 as decimal(38, 10))) as unmapped,
        coalesce(decided.excluded, cast(0 as decimal(38, 10))) as excluded,
        coalesce(classed.amount, cast(0 as decimal(38, 10))) as classed
    from whole
    left join decided
        on
            whole.source = decided.source
            and whole.currency = decided.currency
    left join classed
        on
            whole.source = classed.source
            and whole.currency = classed.currency

)

select * from balance
