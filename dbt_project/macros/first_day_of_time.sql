{# Stands for a date that is not given, so that it sorts before every other one on every engine. #}
{% macro first_day_of_time() -%} date '0001-01-01' {%- endmacro %}
