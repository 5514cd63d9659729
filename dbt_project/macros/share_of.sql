{#
    One part of a whole that is split by shares. The last part takes the remainder, so that the parts add up to the
    whole to the last digit. `split` names the columns that tell one split from another.
#}
{% macro share_of(whole, share, is_last, split) %}
{% set part = 'cast(round(' ~ whole ~ ' * ' ~ share ~ ', 10) as decimal(38, 10))' -%}
    case
        when {{ is_last }}
            then
                {{ whole }}
                + {{ part }}
                - cast(sum({{ part }}) over (partition by {{ split | join(', ') }}) as decimal(38, 10))
        else {{ part }}
    end
{%- endmacro %}
