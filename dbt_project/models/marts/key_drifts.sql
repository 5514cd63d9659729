with

drifts as (

    select distinct
        source,
        account_before,
        service_before,
        match_account,
        match_service,
        likeness,
        seen_since,
        quantity_before,
        is_excluded
    from {{ ref('int_key_drifts_spread_to_targets') }}

)

select * from drifts
