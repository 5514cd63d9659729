with

usage_rows as (

    select * from {{ ref('stg_lake__usage_rows') }}
    where is_quantity_row and subscription_id is not null

),

billing_periods as (

    select * from {{ ref('stg_lake__billing_periods') }}

),

-- What renews in the month after this one: each day belongs to one month's reconciliation. Of two rows that disagree
-- the later day and the larger number count, so that nothing is cut early.
renewing as (

    select
        usage_rows.source,
        usage_rows.subscription_id,
        max(usage_rows.term_end) as renews_on,
        max(usage_rows.renewal_quantity) as renewal_quantity
    from usage_rows
    cross join billing_periods
    where usage_rows.renewal_quantity is not null
    group by usage_rows.source, usage_rows.subscription_id, billing_periods.first_day
    having
        max(usage_rows.term_end) >= cast(billing_periods.first_day + to_months(1) as date)
        and max(usage_rows.term_end) < cast(billing_periods.first_day + to_months(2) as date)

),

renewing_rows as (

    select usage_rows.*
    from usage_rows
    inner join renewing
        on
            usage_rows.source = renewing.source
            and usage_rows.subscription_id = renewing.subscription_id

),

subscriptions as (

    {{ reduced_to_subscriptions('renewing_rows') | indent(4) }}

),

-- A subscription that stands under several keys says nothing of which of them loses units.
under_one_key as (

    select
        source,
        subscription_id
    from subscriptions
    group by source, subscription_id
    having count(*) = 1

),

falls as (

    select
        subscriptions.source,
        subscriptions.basis,
        subscriptions.match_account,
        subscriptions.match_service,
        subscriptions.key_term,
        subscriptions.currency,
        renewing.renews_on,
        cast(sum(subscriptions.row_count) as bigint) as row_count,
        cast(sum(subscriptions.quantity - renewing.renewal_quantity) as decimal(38, 10)) as fall
    from subscriptions
    inner join under_one_key
        on
            subscriptions.source = under_one_key.source
            and subscriptions.subscription_id = under_one_key.subscription_id
    inner join renewing
        on
            subscriptions.source = renewing.source
            and subscriptions.subscription_id = renewing.subscription_id
    where subscriptions.quantity > renewing.renewal_quantity
    group by
        subscriptions.source,
        subscriptions.basis,
        subscriptions.match_account,
        subscriptions.match_service,
        subscriptions.key_term,
        subscriptions.currency,
        renewing.renews_on

)

select * from falls
