{{ config(materialized='scratch_view') }}

with

usage_rows as (

    select * from {{ ref('stg_lake__usage_rows') }}
    where not is_quantity_row

),

evidence as (

    select
        source,
        charge_class,
        coalesce(charge_kind, '') as charge_kind,
        currency,
        file_name,
        sha256,
        sheet,
        record_number
    from usage_rows

)

select * from evidence
