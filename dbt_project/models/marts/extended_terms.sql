with

usage_rows as (

    select
        *,
        {{ months_of('commitment_term') }} as term_months
    from {{ ref('stg_lake__usage_rows') }}
    where is_quantity_row and subscription_id is not null

),

previous_rows as (

    select
        *,
        {{ months_of('commitment_term') }} as term_months
    from {{ ref('stg_lake__previous_usage_rows') }}
    where is_quantity_row and subscription_id is not null and term_end is not null

),

billing_periods as (

    select * from {{ ref('stg_lake__billing_periods') }}

),

committed_before as (

    select
        source,
        subscription_id,
        max(term_end) as term_end
    from previous_rows
    where term_months > 1
    group by source, subscription_id

),

used_now as (

    select
        source,
        match_account,
        subscription_id,
        min(account_key) as account_key,
        min(service_key) as service_key,
        max(term_months) as term_months,
        max(term_end) as term_end
    from usage_rows
    group by source, match_account, subscription_id
    having not bool_or(charge_class = 'cancel')

),

-- Either the rows still name a term that is over, or they name a monthly one where a longer one stood until now.
extended as (

    select
        used_now.source,
        used_now.match_account,
        used_now.subscription_id,
        used_now.account_key,
        used_now.service_key,
        coalesce(committed_before.term_end, used_now.term_end) as term_end
    from used_now
    cross join billing_periods
    left join committed_before
        on
            used_now.source = committed_before.source
            and used_now.subscription_id = committed_before.subscription_id
            and used_now.term_months = 1
    where
        (used_now.term_months > 1 and used_now.term_end < billing_periods.first_day)
        or committed_before.term_end < cast(billing_periods.first_day + to_months(1) as date)

)

select * from extended
