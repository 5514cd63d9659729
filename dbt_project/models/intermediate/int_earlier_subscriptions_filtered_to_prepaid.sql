{#- What is paid for: a subscription, or the key where none is named. -#}
{%- set key = "match_account || '|' || match_service || '|' || coalesce(key_term, '')" -%}
{%- set paid_thing = 'coalesce(subscription_id, ' ~ key ~ ')' -%}

with

earlier_rows as (

    select
        *,
        {{ paid_thing }} as paid_thing,
        {{ months_of('billing_cycle') }} as cycle_months
    from {{ ref('stg_lake__earlier_usage_rows') }}
    where is_quantity_row

),

earlier_subscriptions as (

    select * from {{ ref('int_earlier_rows_reduced_to_subscriptions') }}

),

current_rows as (

    select
        source,
        {{ paid_thing }} as paid_thing
    from {{ ref('stg_lake__usage_rows') }}
    where is_quantity_row

),

source_states as (

    select * from {{ ref('stg_lake__source_states') }}
    where is_complete

),

billing_periods as (

    select * from {{ ref('stg_lake__billing_periods') }}

),

-- A charge for more than a month: by its cycle, or by its dates where the cycle says nothing. A month's charge from one
-- anniversary to the next has at most 31 days.
upfront_rows as (

    select
        *,
        coalesce(
            charge_end,
            cast(coalesce(charge_start, first_day) + to_months(cycle_months) as date)
        ) as paid_until
    from earlier_rows
    where charge_class = 'recurring' and (cycle_months > 1 or charge_end > charge_start + 45)

),

-- What the last file that named it said of it: a later one may have cancelled it or gone over to monthly payment.
last_named as (

    select
        source,
        paid_thing,
        max(first_day) as first_day
    from earlier_rows
    group by source, paid_thing

),

paid as (

    select
        upfront_rows.source,
        upfront_rows.drop_id,
        upfront_rows.paid_thing,
        upfront_rows.match_account,
        upfront_rows.match_service,
        upfront_rows.key_term,
        upfront_rows.currency,
        upfront_rows.subscription_id,
        max(upfront_rows.paid_until) as paid_until
    from upfront_rows
    inner join last_named
        on
            upfront_rows.source = last_named.source
            and upfront_rows.paid_thing = last_named.paid_thing
            and upfront_rows.first_day = last_named.first_day
    group by
        upfront_rows.source,
        upfront_rows.drop_id,
        upfront_rows.paid_thing,
        upfront_rows.match_account,
        upfront_rows.match_service,
        upfront_rows.key_term,
        upfront_rows.currency,
        upfront_rows.subscription_id

),

unnamed_now as (

    select paid.*
    from paid
    inner join source_states on paid.source = source_states.source
    cross join billing_periods
    left join current_rows
        on
            paid.source = current_rows.source
            and paid.paid_thing = current_rows.paid_thing
    where current_rows.source is null and paid.paid_until > billing_periods.first_day

),

prepaid as (

    select
        earlier_subscriptions.source,
        earlier_subscriptions.basis,
        earlier_subscriptions.drop_id,
        earlier_subscriptions.match_account,
        earlier_subscriptions.match_service,
        earlier_subscriptions.key_term,
        earlier_subscriptions.currency,
        earlier_subscriptions.subscription_id,
        earlier_subscriptions.row_count,
        earlier_subscriptions.quantity,
        unnamed_now.paid_until
    from earlier_subscriptions
    inner join unnamed_now
        on
            earlier_subscriptions.source = unnamed_now.source
            and earlier_subscriptions.drop_id = unnamed_now.drop_id
            and earlier_subscriptions.match_account = unnamed_now.match_account
            and earlier_subscriptions.match_service = unnamed_now.match_service
            and coalesce(earlier_subscriptions.key_term, '') = coalesce(unnamed_now.key_term, '')
            and coalesce(earlier_subscriptions.currency, '') = coalesce(unnamed_now.currency, '')
            and coalesce(earlier_subscriptions.subscription_id, '') = coalesce(unnamed_now.subscription_id, '')
    where earlier_subscriptions.quantity > 0

)

select * from prepaid
