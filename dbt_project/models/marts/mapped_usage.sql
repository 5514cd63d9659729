{{ config(materialized='scratch_view') }}

with

service_keys as (

    select * from {{ ref('int_account_keys_resolved_to_services') }}

)

select * from service_keys
