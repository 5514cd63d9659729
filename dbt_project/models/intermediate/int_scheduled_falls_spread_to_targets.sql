with

keys as (

    select * from {{ ref('int_subscriptions_reduced_to_scheduled_falls') }}

),

decisions as (

    select * from {{ ref('int_keys_joined_to_decisions') }}

),

account_mappings as (

    select * from {{ ref('stg_lake__account_mappings') }}

),

service_mappings as (

    select * from {{ ref('stg_lake__service_mappings') }}
    where not is_excluded

),

group_lines as (

    select * from {{ ref('int_live_lines_counted_to_groups') }}

),

lines_of_any_day as (

    select * from {{ ref('int_agreement_lines_matched_to_groups') }}

),

account_keys as (

    {{ split_to_accounts('fall', ['renews_on']) | indent(4) }}

),

resolved as (

    {{ resolved_to_services('fall', ['renews_on']) | indent(4) }}

),

added as (

    select
        account_id,
        service_id,
        renews_on,
        cast(sum(fall) as decimal(38, 10)) as fall,
        row_number() over (partition by account_id, service_id order by renews_on) as place
    from resolved
    group by account_id, service_id, renews_on

),

-- One step at a time: what renews later is proposed when the line has taken the first.
next_falls as (

    select
        account_id,
        service_id,
        renews_on,
        fall
    from added
    where place = 1

)

select * from next_falls
