with

service_keys as (

    select * from {{ ref('int_account_keys_resolved_to_services') }}

),

added as (

    select
        account_id,
        service_id,
        cast(sum(quantity) as decimal(38, 10)) as quantity_used,
        cast(sum(case when is_prepaid then quantity else 0 end) as decimal(38, 10)) as quantity_prepaid,
        cast(sum(row_count) as bigint) as evidence_count,
        cast(count(distinct basis) as bigint) as basis_count
    from service_keys
    group by account_id, service_id

)

select * from added
