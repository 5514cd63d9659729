with

agreement_lines as (

    select * from {{ ref('stg_lake__agreement_lines') }}

),

agreements as (

    select * from {{ ref('int_agreements_filtered_to_live_agreements') }}

),

accounts as (

    select * from {{ ref('stg_lake__accounts') }}
    where is_active

),

billing_periods as (

    select * from {{ ref('stg_lake__billing_periods') }}

),

-- Every end is exclusive: what ends on the day is not live on it.
live as (

    select
        agreement_lines.line_id,
        agreement_lines.agreement_id,
        agreement_lines.account_id,
        agreement_lines.service_id,
        agreement_lines.quantity,
        agreement_lines.unit_price,
        agreement_lines.unit_cost,
        agreements.currency
    from agreement_lines
    inner join agreements on agreement_lines.agreement_id = agreements.agreement_id
    inner join accounts on agreement_lines.account_id = accounts.account_id
    cross join billing_periods
    where
        coalesce(agreement_lines.start_date, {{ first_day_of_time() }}) <= billing_periods.as_of_date
        and (agreement_lines.end_date is null or agreement_lines.end_date > billing_periods.as_of_date)

)

select * from live
