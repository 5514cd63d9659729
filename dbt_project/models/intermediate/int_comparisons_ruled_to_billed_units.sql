with

comparisons as (

    select * from {{ ref('int_lines_compared_to_usage') }}

),

line_rules as (

    select * from {{ ref('stg_lake__unit_rules') }}
    where scope = 'line'

),

account_service_rules as (

    select * from {{ ref('stg_lake__unit_rules') }}
    where scope = 'account_service'

),

service_rules as (

    select * from {{ ref('stg_lake__unit_rules') }}
    where scope = 'service'

),

-- A line twice where seats are scheduled to fall: as it is used, and as it will be. All rules hold for both.
stages as (

    select
        * exclude (renews_on, quantity_at_renewal),
        cast(null as date) as due_on
    from comparisons
    union all
    select
        * exclude (renews_on, quantity_at_renewal) replace (quantity_at_renewal as quantity_used),
        renews_on as due_on
    from comparisons
    where line_id is not null and renews_on is not null

),

-- The most specific rule wins as a whole: what it leaves out is not taken from a wider one.
chosen as (

    select
        stages.*,
        case
            when line_rules.scope is not null then line_rules.included
            when account_service_rules.scope is not null then account_service_rules.included
            else service_rules.included
        end as included,
        case
            when line_rules.scope is not null then line_rules.block
            when account_service_rules.scope is not null then account_service_rules.block
            else service_rules.block
        end as block,
        case
            when line_rules.scope is not null then line_rules.minimum
            when account_service_rules.scope is not null then account_service_rules.minimum
            else service_rules.minimum
        end as minimum,
        case
            when line_rules.scope is not null then line_rules.maximum
            when account_service_rules.scope is not null then account_service_rules.maximum
            else service_rules.maximum
        end as maximum
    from stages
    left join line_rules on stages.line_id = line_rules.line_id
    left join account_service_rules
        on
            stages.account_id = account_service_rules.account_id
            and stages.service_id = account_service_rules.service_id
    left join service_rules on stages.service_id = service_rules.service_id

),

-- A negative total is no count of units and goes through no rule.
less_included as (

    select
        *,
        case
            when quantity_used <= coalesce(included, 0) then cast(0 as decimal(38, 10))
            else cast(quantity_used - coalesce(included, 0) as decimal(38, 10))
        end as billable
    from chosen

),

in_blocks as (

    select
        *,
        cast(
            case
                when coalesce(block, 0) <= 0 or billable % block = 0 then billable
                else billable - billable % block + block
            end as decimal(38, 10)
        ) as blocked
    from less_included

),

raised as (

    select
        *,
        case when minimum > blocked then minimum else blocked end as at_least
    from in_blocks

),

capped as (

    select
        line_id,
        agreement_id,
        account_id,
        service_id,
        quantity_before,
        quantity_used,
        evidence_count,
        unit_price,
        unit_cost,
        currency,
        is_fed,
        is_ambiguous,
        is_mixed_basis,
        is_prepaid,
        due_on,
        quantity_used < 0 as is_negative,
        cast(case when maximum < at_least then maximum else at_least end as decimal(38, 10)) as quantity_due
    from raised

)

select * from capped
