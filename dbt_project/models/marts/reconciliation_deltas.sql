with

billed_units as (

    select * from {{ ref('int_comparisons_ruled_to_billed_units') }}

),

gated_services as (

    select * from {{ ref('int_sources_gated_to_services') }}

),

doubtful_lines as (

    select * from {{ ref('int_live_lines_checked_to_doubtful_lines') }}

),

drifted_targets as (

    select distinct
        account_id,
        service_id
    from {{ ref('int_key_drifts_spread_to_targets') }}
    where not is_excluded

),

commitment_targets as (

    select * from {{ ref('int_commitment_falls_spread_to_targets') }}

),

rounded_targets as (

    select * from {{ ref('int_rounded_rows_spread_to_targets') }}

),

accounts as (

    select * from {{ ref('stg_lake__accounts') }}

),

services as (

    select * from {{ ref('stg_lake__services') }}

),

-- An account with one live agreement leaves no choice of where new found revenue goes; with several a person chooses.
only_agreements as (

    select
        account_id,
        min(agreement_id) as agreement_id
    from {{ ref('int_agreements_filtered_to_live_agreements') }}
    group by account_id
    having count(*) = 1

),

billing_periods as (

    select * from {{ ref('stg_lake__billing_periods') }}

),

-- Use without a line is a difference when something would be billed, and a minimum bills nobody who uses nothing; a
-- negative total has to be looked at.
differences as (

    select
        *,
        case
            when line_id is null then 'unbilled'
            when not is_fed then 'vanished'
            when is_negative or quantity_due < quantity_before then 'decrease'
            when quantity_due > quantity_before then 'increase'
            else 'matched'
        end as kind
    from billed_units
    where
        case
            when due_on is not null then quantity_due < quantity_before
            else line_id is not null or (quantity_used > 0 and quantity_due > 0) or is_negative
        end

),

-- The first reason that applies decides.
decided as (

    select
        differences.*,
        case
            when gated_services.service_id is not null then 'incomplete_source'
            when differences.is_ambiguous then 'ambiguous_target'
            when differences.is_mixed_basis then 'mixed_basis'
            when differences.is_negative then 'held'
            when differences.quantity_due = differences.quantity_before then 'settled'
            when rounded_targets.service_id is not null then 'held'
            when
                differences.kind in ('decrease', 'vanished')
                and (
                    doubtful_lines.line_id is not null
                    or drifted_targets.service_id is not null
                    or differences.is_prepaid
                    or commitment_targets.service_id is not null
                )
                then 'held'
            else 'proposed'
        end as outcome,
        case
            when differences.is_negative then 'negative_total'
            when rounded_targets.service_id is not null then 'rounded_quantity'
            when drifted_targets.service_id is not null then 'key_drift'
            when doubtful_lines.line_id is not null then 'doubtful_rows'
            when commitment_targets.service_id is not null then 'commitment'
            else 'prepaid'
        end as reason_to_hold
    from differences
    left join gated_services on differences.service_id = gated_services.service_id
    left join doubtful_lines on differences.line_id = doubtful_lines.line_id
    left join drifted_targets
        on
            differences.account_id = drifted_targets.account_id
            and differences.service_id = drifted_targets.service_id
    left join commitment_targets
        on
            differences.account_id = commitment_targets.account_id
            and differences.service_id = commitment_targets.service_id
    left join rounded_targets
        on
            differences.account_id = rounded_targets.account_id
            and differences.service_id = rounded_targets.service_id

),

-- Where no figure may be trusted the line keeps its own.
figured as (

    select
        *,
        cast(
            case
                when is_ambiguous or is_mixed_basis or is_negative then coalesce(quantity_before, 0)
                else quantity_due
            end as decimal(38, 10)
        ) as quantity_after
    from decided

),

priced as (

    select
        figured.kind,
        figured.outcome,
        case when figured.outcome = 'held' then figured.reason_to_hold end as held_by,
        figured.account_id,
        coalesce(accounts.account_name, figured.account_id) as account_name,
        figured.service_id,
        coalesce(services.service_name, figured.service_id) as service_name,
        case
            when figured.line_id is null then only_agreements.agreement_id else figured.agreement_id
        end as agreement_id,
        figured.line_id,
        figured.quantity_before,
        figured.quantity_used,
        figured.quantity_after,
        case when figured.line_id is null then services.unit_price else figured.unit_price end as unit_price,
        case when figured.line_id is null then services.unit_cost else figured.unit_cost end as unit_cost,
        coalesce(figured.currency, billing_periods.currency) as currency,
        figured.is_fed,
        figured.is_prepaid,
        figured.due_on,
        figured.evidence_count
    from figured
    left join accounts on figured.account_id = accounts.account_id
    left join services on figured.service_id = services.service_id
    left join only_agreements on figured.account_id = only_agreements.account_id
    cross join billing_periods

),

due_lines as (

    select line_id from priced
    where due_on is not null

),

-- What is due at a renewal is told of a line that is right until then, in the place of saying so.
right_until_then as (

    select priced.line_id
    from priced
    inner join due_lines on priced.line_id = due_lines.line_id
    where priced.due_on is null and priced.outcome = 'settled'

),

told as (

    select priced.*
    from priced
    left join right_until_then on priced.line_id = right_until_then.line_id
    where (priced.due_on is null) = (right_until_then.line_id is null)

),

final as (

    select
        *,
        cast(
            round((quantity_after - coalesce(quantity_before, 0)) * unit_price, 2) as decimal(38, 10)
        ) as amount_delta
    from told

)

select * from final
