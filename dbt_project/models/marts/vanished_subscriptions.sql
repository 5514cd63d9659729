with

previous_rows as (

    select * from {{ ref('stg_lake__previous_usage_rows') }}
    where is_quantity_row and subscription_id is not null

),

source_states as (

    select * from {{ ref('stg_lake__source_states') }}
    where is_complete

),

-- Any row counts, of money alone too: what is still charged has not vanished, nor has what is paid for.
current_subscriptions as (

    select
        source,
        subscription_id
    from {{ ref('stg_lake__usage_rows') }}
    where subscription_id is not null
    union
    select
        source,
        subscription_id
    from {{ ref('int_earlier_subscriptions_filtered_to_prepaid') }}
    where subscription_id is not null

),

missing as (

    select previous_rows.*
    from previous_rows
    inner join source_states on previous_rows.source = source_states.source
    left join current_subscriptions
        on
            previous_rows.source = current_subscriptions.source
            and previous_rows.subscription_id = current_subscriptions.subscription_id
    where current_subscriptions.source is null

),

-- What was cancelled, or stood at nothing, a month ago has ended already.
vanished as (

    select
        source,
        match_account,
        match_service,
        subscription_id,
        cast(sum(quantity) as decimal(38, 10)) as quantity
    from missing
    group by source, match_account, match_service, subscription_id
    having max(case when charge_class = 'cancel' then 1 else 0 end) = 0

),

final as (

    select * from vanished
    where quantity > 0

)

select * from final
