with

subscriptions as (

    select * from {{ ref('int_usage_rows_reduced_to_subscriptions') }}

),

usage_keys as (

    select * from {{ ref('int_subscriptions_added_to_keys') }}

),

decisions as (

    select * from {{ ref('int_keys_joined_to_decisions') }}

),

mapped_usage as (

    select * from {{ ref('mapped_usage') }}

),

unmapped_usage as (

    select * from {{ ref('unmapped_usage') }}

),

whole as (

    select
        source,
        cast(sum(quantity) as decimal(38, 10)) as quantity
    from subscriptions
    group by source

),

mapped as (

    select
        source,
        cast(sum(quantity_of_source) as decimal(38, 10)) as quantity
    from mapped_usage
    where not is_prepaid
    group by source

),

unmapped as (

    select
        source,
        cast(sum(quantity) as decimal(38, 10)) as quantity
    from unmapped_usage
    group by source

),

excluded as (

    select
        usage_keys.source,
        cast(sum(usage_keys.quantity) as decimal(38, 10)) as quantity
    from usage_keys
    inner join decisions
        on
            usage_keys.source = decisions.source
            and usage_keys.match_account = decisions.match_account
            and usage_keys.match_service = decisions.match_service
    where decisions.disposition = 'excluded'
    group by usage_keys.source

),

-- Each part is counted where it ended up, never as what is left of the whole.
balance as (

    select
        whole.source,
        whole.quantity,
        coalesce(mapped.quantity, cast(0 as decimal(38, 10))) as mapped,
        coalesce(unmapped.quantity, cast(0 as decimal(38, 10))) as unmapped,
        coalesce(excluded.quantity, cast(0 as decimal(38, 10))) as excluded
    from whole
    left join mapped on whole.source = mapped.source
    left join unmapped on whole.source = unmapped.source
    left join excluded on whole.source = excluded.source

)

select * from balance
