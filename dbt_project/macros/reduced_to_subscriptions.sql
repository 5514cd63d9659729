{#
    Quantity rows reduced to the quantity of each subscription by the method of their profile. `subscription_id` is the
    column, or an expression where subscriptions need not be told apart.
#}
{% macro reduced_to_subscriptions(relation, subscription_id='subscription_id') %}
{#- A drop has one source and one basis: they are carried along, and rows are sorted without them. -#}
{%- set within = 'drop_id, match_account, match_service, key_term, currency, subscription_id, method' -%}
{%- set subscription = 'source, basis, ' ~ within -%}

with

quantity_rows as (

    select
        source,
        basis,
        drop_id,
        match_account,
        match_service,
        key_term,
        currency,
        {{ subscription_id }} as subscription_id,
        method,
        record_number,
        charge_class,
        charge_start,
        charge_end,
        quantity,
        is_negated,
        size_quantity,
        unit_key,
        amount,
        is_cycle
    from {{ relation }}
    where is_quantity_row

),

-- Methods that need no order: one hash aggregate.
unordered as (

    select
        {{ subscription }},
        cast(count(*) as bigint) as row_count,
        case
            when method = 'sum' then cast(sum(quantity) as decimal(38, 10))
            -- two signs on one row say the same thing twice: they are never multiplied
            when method = 'signed_sum'
                then cast(sum(case when is_negated then -abs(quantity) else quantity end) as decimal(38, 10))
            when method = 'max' then cast(max(quantity) as decimal(38, 10))
            -- one row a subscription, which a test holds; what a cancel row names is what has ended
            when method = 'none'
                then cast(max(case when charge_class = 'cancel' then 0 else quantity end) as decimal(38, 10))
            -- a row that cancels a unit is no unit
            when method = 'count' then cast(count(case when charge_class = 'recurring' then 1 end) as decimal(38, 10))
        end as quantity
    from quantity_rows
    where method in ('sum', 'signed_sum', 'max', 'count', 'none')
    group by {{ subscription }}

),

-- Apart, because telling values from each other costs memory that the other methods need not pay.
distinct_units as (

    select
        {{ subscription }},
        cast(count(*) as bigint) as row_count,
        -- a row that cancels a unit is no unit
        cast(count(distinct case when charge_class = 'recurring' then unit_key end) as decimal(38, 10)) as quantity
    from quantity_rows
    where method = 'count_distinct'
    group by {{ subscription }}

),

-- Methods that ask for one row. A candidate is a row that may state the quantity; the first place states it.
candidates as (

    select
        {{ subscription }},
        charge_class,
        record_number,
        quantity,
        coalesce(size_quantity, quantity) as size_after,
        is_cycle,
        case
            when method <> 'last_by_period_end' then 1
            when charge_class = 'recurring' and coalesce(amount, 0) >= 0 then 1
            else 0
        end as is_candidate,
        -- a running total follows the changes by their start alone, first and last look at no date
        case
            when method = 'last_by_period_end' then coalesce(charge_end, {{ first_day_of_time() }})
        end as ends_on,
        case
            when method in ('last_by_period_end', 'running_total')
                then coalesce(charge_start, {{ first_day_of_time() }})
        end as starts_on,
        case when method = 'first' then -record_number else record_number end as file_order
    from quantity_rows
    where method in ('first', 'last', 'last_by_period_end', 'running_total')

),

ordered as (

    select
        *,
        row_number() over (
            partition by {{ within }}
            order by is_candidate desc, ends_on desc, starts_on desc, file_order desc
        ) as place,
        first_value(record_number) over (
            partition by {{ within }}
            order by is_candidate desc, ends_on desc, starts_on desc, file_order desc
        ) as chosen_record,
        first_value(ends_on) over (
            partition by {{ within }}
            order by is_candidate desc, ends_on desc, starts_on desc, file_order desc
        ) as chosen_end
    from candidates

),

chosen as (

    select
        {{ subscription }},
        cast(count(*) as bigint) as row_count,
        cast(sum(quantity) as decimal(38, 10)) as total,
        max(case when is_cycle then 1 else 0 end) as has_cycle,
        max(case when place = 1 and is_candidate = 1 then quantity end) as chosen_quantity,
        max(case when place = 1 then size_after end) as chosen_size,
        max(case when place = 1 and charge_class = 'cancel' then 1 else 0 end) as is_cancel,
        max(
            case
                when charge_class = 'cancel' and record_number > chosen_record and ends_on >= chosen_end then 1
                else 0
            end
        ) as is_covered_by_cancel
    from ordered
    group by {{ subscription }}

),

by_chosen_row as (

    select
        {{ subscription }},
        row_count,
        cast(
            case
                when method = 'last_by_period_end' and is_covered_by_cancel = 1 then 0
                when method = 'last_by_period_end' then coalesce(chosen_quantity, 0)
                -- what a cancel row names is what has ended
                when is_cancel = 1 then 0
                when method in ('first', 'last') then chosen_quantity
                when has_cycle = 1 then total
                else chosen_size
            end as decimal(38, 10)
        ) as quantity
    from chosen

),

reduced as (

    select * from unordered
    union all
    select * from distinct_units
    union all
    select * from by_chosen_row

)

select * from reduced
{% endmacro %}
