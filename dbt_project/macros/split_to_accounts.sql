{#
    Keys given to the accounts that a person mapped them to, by their shares. Reads `keys`, `decisions` and
    `account_mappings`. `measure` is what is shared out; the columns of `told_apart` part one key from another beside the
    usual ones.
#}
{% macro split_to_accounts(measure, told_apart) %}
{%- set key = [] -%}
{%- for name in ['source', 'basis', 'match_account', 'match_service', 'key_term', 'currency'] + told_apart -%}
    {%- do key.append('keys.' ~ name) -%}
{%- endfor -%}
select
    {{ key | join(',\n    ') }},
    account_mappings.account_id,
    keys.row_count,
    {{ share_of('keys.' ~ measure, 'account_mappings.share', 'account_mappings.is_last', key) }} as {{ measure }}
from keys
inner join decisions
    on
        keys.source = decisions.source
        and keys.match_account = decisions.match_account
        and keys.match_service = decisions.match_service
inner join account_mappings
    on
        keys.source = account_mappings.source
        and keys.match_account = account_mappings.match_account
where decisions.disposition = 'mapped'
{%- endmacro %}
