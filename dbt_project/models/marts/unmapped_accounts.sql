with

unmapped_usage as (

    select * from {{ ref('unmapped_usage') }}
    where not is_account_mapped

),

added as (

    select
        source,
        match_account,
        min(account_key) as account_key,
        min(account_name) as account_name,
        cast(sum(quantity) as decimal(38, 10)) as quantity
    from unmapped_usage
    group by source, match_account

)

select * from added
