with

falls as (

    select * from {{ ref('int_subscriptions_compared_to_last_month') }}
    where is_suspect

),

previous_rows as (

    select * from {{ ref('stg_lake__previous_usage_rows') }}
    where is_quantity_row

),

described as (

    select
        falls.source,
        falls.subscription_id,
        falls.quantity_before,
        falls.quantity_now,
        falls.term_end,
        falls.decrease_days,
        falls.policy_source,
        min(previous_rows.account_key) as account_key,
        min(previous_rows.service_key) as service_key
    from falls
    inner join previous_rows
        on
            falls.source = previous_rows.source
            and falls.subscription_id = previous_rows.subscription_id
    group by
        falls.source,
        falls.subscription_id,
        falls.quantity_before,
        falls.quantity_now,
        falls.term_end,
        falls.decrease_days,
        falls.policy_source

)

select * from described
