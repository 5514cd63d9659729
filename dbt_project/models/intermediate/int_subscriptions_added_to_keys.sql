with

subscriptions as (

    select * from {{ ref('int_usage_rows_reduced_to_subscriptions') }}

),

added as (

    select
        source,
        basis,
        match_account,
        match_service,
        key_term,
        currency,
        cast(sum(quantity) as decimal(38, 10)) as quantity,
        cast(sum(row_count) as bigint) as row_count
    from subscriptions
    group by source, basis, match_account, match_service, key_term, currency

)

select * from added
