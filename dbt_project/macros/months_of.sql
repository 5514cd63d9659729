{# Months of a cycle that is written as an ISO 8601 duration of months or years; null for anything else. #}
{% macro months_of(duration) -%}
{%- set number = 'cast(substr(' ~ duration ~ ', 2, length(' ~ duration ~ ') - 2) as integer)' -%}
case
    when regexp_matches({{ duration }}, '^P[0-9]{1,3}M$') then {{ number }}
    when regexp_matches({{ duration }}, '^P[0-9]{1,2}Y$') then 12 * {{ number }}
end
{%- endmacro %}
