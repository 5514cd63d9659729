with

raw as (

    select * from {{ raw_scan('source_states') }}

),

renamed as (

    select
        source,
        is_complete
    from raw

)

select * from renamed
