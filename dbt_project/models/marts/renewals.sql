with

usage_rows as (

    select
        *,
        {{ months_of('commitment_term') }} as term_months
    from {{ ref('stg_lake__usage_rows') }}
    where is_quantity_row and subscription_id is not null and term_end is not null

),

billing_periods as (

    select * from {{ ref('stg_lake__billing_periods') }}

),

-- What ends from this month on until the end of the one after the next: there is time to decide on the seats.
due as (

    select
        usage_rows.source,
        usage_rows.match_account,
        usage_rows.subscription_id,
        min(usage_rows.account_key) as account_key,
        min(usage_rows.service_key) as service_key,
        max(usage_rows.term_end) as term_end,
        max(usage_rows.renewal_quantity) as renewal_quantity
    from usage_rows
    cross join billing_periods
    where usage_rows.term_months > 1
    group by usage_rows.source, usage_rows.match_account, usage_rows.subscription_id, billing_periods.first_day
    having
        max(usage_rows.term_end) >= billing_periods.first_day
        and max(usage_rows.term_end) < cast(billing_periods.first_day + to_months(3) as date)

)

select * from due
