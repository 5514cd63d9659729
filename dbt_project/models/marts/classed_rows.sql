with

usage_rows as (

    select * from {{ ref('stg_lake__usage_rows') }}
    where not is_quantity_row

),

added as (

    select
        source,
        charge_class,
        coalesce(charge_kind, '') as charge_kind,
        currency,
        cast(count(*) as bigint) as row_count,
        cast(sum(quantity) as decimal(38, 10)) as quantity,
        cast(sum(amount) as decimal(38, 10)) as amount
    from usage_rows
    group by source, charge_class, coalesce(charge_kind, ''), currency

)

select * from added
