{#
    What is left of a key when the ways in which distributors respell one are taken away: letter case, a commitment term
    at the end, zeros before a number, every mark and blank. Equal folds are a likeness for people, never a match.
#}
{% macro folded_key(key) -%}
{%- set term = "[\\s|_(-]+(p?[0-9]+[my]|annual|monthly|yearly|triennial|prepaid)\\)?$" -%}
{%- set bare = "regexp_replace(lower(" ~ key ~ "), '" ~ term ~ "', '')" -%}
{%- set unpadded = "regexp_replace(" ~ bare ~ ", '(^|[^0-9])0+([0-9])', '\\1\\2', 'g')" -%}
regexp_replace({{ unpadded }}, '[^\p{L}\p{N}]', '', 'g')
{%- endmacro %}
