with

raw as (

    select * from {{ raw_scan('account_mappings') }}

),

renamed as (

    select
        source,
        match_account,
        account_id,
        position,
        share,
        is_last,
        is_excluded,
        valid_from
    from raw

)

select * from renamed
