with

rows_read as (

    select cast(count(*) as bigint) as row_count
    from {{ ref('stg_lake__usage_rows') }}
    where is_quantity_row

),

rows_reduced as (

    select cast(coalesce(sum(row_count), 0) as bigint) as row_count
    from {{ ref('int_usage_rows_reduced_to_subscriptions') }}

)

select
    rows_read.row_count as rows_read,
    rows_reduced.row_count as rows_reduced
from rows_read
cross join rows_reduced
where rows_read.row_count <> rows_reduced.row_count
