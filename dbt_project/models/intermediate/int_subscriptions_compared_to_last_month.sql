with

previous_rows as (

    select
        *,
        {{ months_of('commitment_term') }} as term_months
    from {{ ref('stg_lake__previous_usage_rows') }}
    where is_quantity_row and subscription_id is not null

),

usage_rows as (

    select * from {{ ref('stg_lake__usage_rows') }}
    where is_quantity_row and subscription_id is not null

),

prepaid as (

    select * from {{ ref('int_earlier_subscriptions_filtered_to_prepaid') }}

),

source_states as (

    select * from {{ ref('stg_lake__source_states') }}
    where is_complete

),

term_policies as (

    select * from {{ ref('stg_lake__term_policies') }}

),

billing_periods as (

    select * from {{ ref('stg_lake__billing_periods') }}

),

-- Bound for more than a month, by the file of the month before.
committed as (

    select
        previous_rows.source,
        previous_rows.subscription_id,
        max(previous_rows.match_account) as match_account,
        max(previous_rows.match_service) as match_service,
        max(previous_rows.term_months) as term_months,
        max(previous_rows.term_end) as term_end
    from previous_rows
    inner join source_states on previous_rows.source = source_states.source
    where previous_rows.term_months > 1
    group by previous_rows.source, previous_rows.subscription_id

),

rows_before as (

    select previous_rows.*
    from previous_rows
    inner join committed
        on
            previous_rows.source = committed.source
            and previous_rows.subscription_id = committed.subscription_id

),

rows_now as (

    select usage_rows.*
    from usage_rows
    inner join committed
        on
            usage_rows.source = committed.source
            and usage_rows.subscription_id = committed.subscription_id

),

subscriptions_before as (

    {{ reduced_to_subscriptions('rows_before') | indent(4) }}

),

subscriptions_now as (

    {{ reduced_to_subscriptions('rows_now') | indent(4) }}

),

before as (

    select
        source,
        subscription_id,
        cast(sum(quantity) as decimal(38, 10)) as quantity
    from subscriptions_before
    group by source, subscription_id

),

now as (

    select
        source,
        subscription_id,
        cast(sum(quantity) as decimal(38, 10)) as quantity
    from subscriptions_now
    group by source, subscription_id

),

-- A source that says itself that a subscription was cancelled has not lost its rows.
cancelled as (

    select distinct
        source,
        subscription_id
    from rows_now
    where charge_class = 'cancel'

),

still_paid as (

    select distinct
        source,
        subscription_id
    from prepaid

),

fallen as (

    select
        committed.source,
        committed.subscription_id,
        committed.match_account,
        committed.match_service,
        committed.term_months,
        committed.term_end,
        cast(committed.term_end - to_months(committed.term_months) as date) as term_start,
        before.quantity as quantity_before,
        coalesce(now.quantity, cast(0 as decimal(38, 10))) as quantity_now
    from committed
    inner join before
        on
            committed.source = before.source
            and committed.subscription_id = before.subscription_id
    left join now
        on
            committed.source = now.source
            and committed.subscription_id = now.subscription_id
    left join cancelled
        on
            committed.source = cancelled.source
            and committed.subscription_id = cancelled.subscription_id
    left join still_paid
        on
            committed.source = still_paid.source
            and committed.subscription_id = still_paid.subscription_id
    where
        cancelled.source is null
        and still_paid.source is null
        and coalesce(now.quantity, 0) < before.quantity

),

-- The policy that was in force when the term began; where nobody knows when, the present one.
with_window as (

    select
        fallen.*,
        term_policies.decrease_days,
        term_policies.policy_source
    from fallen
    cross join billing_periods
    inner join term_policies
        on
            coalesce(fallen.term_start, billing_periods.first_day) >= term_policies.valid_from
            and coalesce(fallen.term_start, billing_periods.first_day) < term_policies.valid_until

),

-- Seats fall when the term ends, after that, and in the days after it began, which may lie behind the last file.
judged as (

    select
        with_window.*,
        not coalesce(
            with_window.term_end <= cast(billing_periods.first_day + to_months(1) as date)
            or with_window.term_start + with_window.decrease_days
            >= cast(billing_periods.first_day - to_months(1) as date),
            false
        ) as is_suspect
    from with_window
    cross join billing_periods

)

select * from judged
