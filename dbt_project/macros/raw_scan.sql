{# The only seam between the models and an engine: where a table of the lake is read. #}
{% macro raw_scan(name) %}
    {{- return(source('lake', name)) -}}
{% endmacro %}
