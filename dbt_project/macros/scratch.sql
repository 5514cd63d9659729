{#
    Models are built once, into a database that is made for them and thrown away. dbt's own materializations build under
    another name, look for what stood there before, rename and clean up: on an empty database that is half of their time.
#}
{% materialization scratch_table, adapter='duckdb' -%}
    {{ return(made(this.incorporate(type='table'))) }}
{%- endmaterialization %}

{% materialization scratch_view, adapter='duckdb' -%}
    {{ return(made(this.incorporate(type='view'))) }}
{%- endmaterialization %}

{% macro made(relation) %}
    {% call statement('main') -%}
        create or replace {{ relation.type }} {{ relation }} as (
            {{ sql }}
        )
    {%- endcall %}
    {{ adapter.commit() }}
    {{ return({'relations': [relation]}) }}
{% endmacro %}
