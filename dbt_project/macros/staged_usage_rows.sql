{# Usage rows of the lake in the words of the models: of this month, of the month before, of earlier invoices. #}
{% macro staged_usage_rows(name) %}
with

raw as (

    select * from {{ raw_scan(name) }}

),

renamed as (

    select
        source,
        profile,
        basis,
        part,
        cast(period || '-01' as date) as first_day,
        drop_id,
        file_name,
        sha256,
        sheet,
        row as record_number,
        account_key,
        account_name,
        service_key,
        service_name,
        match_account,
        match_service,
        quantity,
        unit_cost,
        amount,
        currency,
        commitment_term,
        billing_cycle,
        case when key_by_term then commitment_term end as key_term,
        subscription_id,
        charge_start,
        charge_end,
        term_end,
        renewal_quantity,
        charge_kind,
        charge_class,
        charge_class in ('recurring', 'cancel') as is_quantity_row,
        method,
        is_negated,
        size_quantity,
        unit_key,
        is_cycle,
        is_rounded
    from raw

)

select * from renamed
{% endmacro %}
