with

account_keys as (

    select * from {{ ref('int_keys_split_to_accounts') }}

),

service_mappings as (

    select * from {{ ref('stg_lake__service_mappings') }}
    where not is_excluded

),

group_lines as (

    select * from {{ ref('int_live_lines_counted_to_groups') }}

),

lines_of_any_day as (

    select * from {{ ref('int_agreement_lines_matched_to_groups') }}

),

resolved as (

    {{ resolved_to_services('quantity', ['is_prepaid']) | indent(4) }}

)

select * from resolved
