with

live_lines as (

    select * from {{ ref('int_agreement_lines_filtered_to_live_lines') }}

),

lines_in_scope as (

    select distinct line_id from {{ ref('int_live_lines_joined_to_sources') }}

),

ambiguous_groups as (

    select distinct
        account_id,
        service_id
    from {{ ref('int_live_lines_counted_to_groups') }}
    where group_line_count > 1

),

targets as (

    select * from {{ ref('int_service_keys_added_to_targets') }}

),

crowded_targets as (

    select * from {{ ref('int_new_targets_checked_to_groups') }}

),

scheduled_falls as (

    select * from {{ ref('int_scheduled_falls_spread_to_targets') }}

),

lines as (

    select
        live_lines.*,
        count(*) over (partition by live_lines.account_id, live_lines.service_id) > 1
        or ambiguous_groups.service_id is not null as is_ambiguous
    from live_lines
    inner join lines_in_scope on live_lines.line_id = lines_in_scope.line_id
    left join ambiguous_groups
        on
            live_lines.account_id = ambiguous_groups.account_id
            and live_lines.service_id = ambiguous_groups.service_id

),

compared as (

    select
        lines.line_id,
        lines.agreement_id,
        coalesce(lines.account_id, targets.account_id) as account_id,
        coalesce(lines.service_id, targets.service_id) as service_id,
        lines.quantity as quantity_before,
        coalesce(targets.quantity_used, cast(0 as decimal(38, 10))) as quantity_used,
        coalesce(targets.evidence_count, 0) as evidence_count,
        lines.unit_price,
        lines.unit_cost,
        lines.currency,
        targets.account_id is not null as is_fed,
        coalesce(lines.is_ambiguous, crowded_targets.service_id is not null) as is_ambiguous,
        coalesce(targets.basis_count, 0) > 1 as is_mixed_basis,
        coalesce(targets.quantity_prepaid, 0) > 0 as is_prepaid,
        scheduled_falls.renews_on,
        cast(targets.quantity_used - scheduled_falls.fall as decimal(38, 10)) as quantity_at_renewal
    from lines
    full outer join targets
        on
            lines.account_id = targets.account_id
            and lines.service_id = targets.service_id
    left join crowded_targets
        on
            targets.account_id = crowded_targets.account_id
            and targets.service_id = crowded_targets.service_id
    left join scheduled_falls
        on
            targets.account_id = scheduled_falls.account_id
            and targets.service_id = scheduled_falls.service_id

)

select * from compared
