with

agreements as (

    select * from {{ ref('stg_lake__agreements') }}

),

accounts as (

    select * from {{ ref('stg_lake__accounts') }}

),

billing_periods as (

    select * from {{ ref('stg_lake__billing_periods') }}

),

-- Every end is exclusive: what ends on the day is not live on it.
live as (

    select
        agreements.agreement_id,
        agreements.account_id,
        coalesce(agreements.currency, billing_periods.currency) as currency
    from agreements
    inner join accounts on agreements.account_id = accounts.account_id
    cross join billing_periods
    where
        accounts.is_active
        and agreements.is_active
        and coalesce(agreements.start_date, {{ first_day_of_time() }}) <= billing_periods.as_of_date
        and (agreements.end_date is null or agreements.end_date > billing_periods.as_of_date)

)

select * from live
