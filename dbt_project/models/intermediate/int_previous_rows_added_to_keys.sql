with

previous_rows as (

    select * from {{ ref('stg_lake__previous_usage_rows') }}
    where is_quantity_row

),

source_states as (

    select * from {{ ref('stg_lake__source_states') }}
    where is_complete

),

added as (

    select
        previous_rows.source,
        previous_rows.match_account,
        previous_rows.match_service,
        cast(sum(previous_rows.quantity) as decimal(38, 10)) as quantity
    from previous_rows
    inner join source_states on previous_rows.source = source_states.source
    group by previous_rows.source, previous_rows.match_account, previous_rows.match_service

)

select * from added
