{#
    What each account has of a key, led to PSA services by the rule of its mapping. Reads `account_keys`,
    `service_mappings`, `group_lines` and `lines_of_any_day`. `measure` is scaled, shared out or counted in full; the
    columns of `told_apart` part one key from another beside the usual ones.
#}
{% macro resolved_to_services(measure, told_apart) %}
{%- set key = ['source', 'basis', 'match_account', 'match_service', 'key_term', 'currency'] + told_apart
    + ['account_id'] -%}
{%- set columns = key | join(',\n        ') -%}
with

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
            round(account_keys.{{ measure }} * cast(service_mappings.percent * 0.01 as decimal(38, 10)), 10)
            as decimal(38, 10)
        ) as scaled
    from account_keys
    inner join service_mappings
        on
            account_keys.source = service_mappings.source
            and account_keys.match_service = service_mappings.match_service

),

-- The source's quantity is counted once, on the first service; each service gets the full count.
whole as (

    select
        {{ columns }},
        service_id,
        rule,
        row_count,
        case when position = 1 then {{ measure }} else cast(0 as decimal(38, 10)) end as {{ measure }}_of_source,
        scaled as {{ measure }}
    from joined
    where rule in ('one', 'replicate')

),

shared as (

    select
        {{ columns }},
        service_id,
        rule,
        row_count,
        {{ share_of(measure, 'share', 'is_last', key) }} as {{ measure }}_of_source,
        {{ share_of('scaled', 'share', 'is_last', key) }} as {{ measure }}
    from joined
    where rule = 'split'

),

-- The service of the group that stands on the account's lines; on a line that ended or has not begun when none is live,
-- for a person to look at; the group's first one when the account has none at all. Where several lines stand, each of
-- their services shows the full count and int_lines_compared_to_usage marks them ambiguous.
first_present as (

    select
        joined.{{ key | join(',\n        joined.') }},
        coalesce(group_lines.service_id, lines_of_any_day.service_id, joined.service_id) as service_id,
        joined.rule,
        joined.row_count,
        case
            when coalesce(group_lines.place, 1) = 1 then joined.{{ measure }} else cast(0 as decimal(38, 10))
        end as {{ measure }}_of_source,
        joined.scaled as {{ measure }}
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

)

select * from whole
union all
select * from shared
union all
select * from first_present
{%- endmacro %}
