with

account_mappings as (

    select * from {{ ref('stg_lake__account_mappings') }}

),

spread as (

    select distinct
        source,
        account_id
    from account_mappings
    where not is_excluded

)

select * from spread
