with

raw as (

    select * from {{ raw_scan('doubtful_rows') }}

),

renamed as (

    select
        source,
        match_account,
        match_service
    from raw

)

select * from renamed
