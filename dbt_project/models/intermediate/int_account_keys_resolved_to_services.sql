{%- set account_key = [
    'source', 'basis', 'match_account', 'match_service', 'key_term', 'currency', 'is_prepaid', 'account_id',
] -%}

with

account_keys as (

    select * from {{ ref('int_keys_split_to_accounts') }}

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

-- Percent scales before anything is shared out.
joined as (

    select
        account_keys.*,
        service_mappings.rule,
        service_mappings.service_id,
        service_mappings.position,
        service_mappings.share,
        service_mappings.is_last,
        cast(
            round(account_keys.quantity * cast(service_mappings.percent * 0.01 as decimal(38, 10)), 10)
            as decimal(38, 10)
        ) as scaled_quantity
    from account_keys
    inner join service_mappings
        on
            account_keys.source = service_mappings.source
            and account_keys.match_service = service_mappings.match_service

),

-- The source's quantity is counted once, on the first service; each service gets the full count.
whole as (

    select
        source,
        basis,
        match_account,
        match_service,
        key_term,
        currency,
        is_prepaid,
        account_id,
        service_id,
        rule,
        row_count,
        case when position = 1 then quantity else cast(0 as decimal(38, 10)) end as quantity_of_source,
        scaled_quantity as quantity
    from joined
    where rule in ('one', 'replicate')

),

shared as (

    select
        source,
        basis,
        match_account,
        match_service,
        key_term,
        currency,
        is_prepaid,
        account_id,
        service_id,
        rule,
        row_count,
        {{ share_of('quantity', 'share', 'is_last', account_key) }} as quantity_of_source,
        {{ share_of('scaled_quantity', 'share', 'is_last', account_key) }} as quantity
    from joined
    where rule = 'split'

),

-- The service of the group that stands on the account's lines; on a line that ended or has not begun when none is live,
-- for a person to look at; the group's first one when the account has none at all. Where several lines stand, each of
-- their services shows the full count and int_lines_compared_to_usage marks them ambiguous.
first_present as (

    select
        joined.source,
        joined.basis,
        joined.match_account,
        joined.match_service,
        joined.key_term,
        joined.currency,
        joined.is_prepaid,
        joined.account_id,
        coalesce(group_lines.service_id, lines_of_any_day.service_id, joined.service_id) as service_id,
        joined.rule,
        joined.row_count,
        case
            when coalesce(group_lines.place, 1) = 1 then joined.quantity else cast(0 as decimal(38, 10))
        end as quantity_of_source,
        joined.scaled_quantity as quantity
    from joined
    left join group_lines
        on
            joined.source = group_lines.source
            and joined.match_service = group_lines.match_service
            and joined.account_id = group_lines.account_id
    left join lines_of_any_day
        on
            joined.source = lines_of_any_day.source
            and joined.match_service = lines_of_any_day.match_service
            and joined.account_id = lines_of_any_day.account_id
    where joined.rule = 'first_present' and joined.position = 1

),

resolved as (

    select * from whole
    union all
    select * from shared
    union all
    select * from first_present

)

select * from resolved
