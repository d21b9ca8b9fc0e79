{# Marts and summaries land in main, the rest in the schema its folder names: never main_staging. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ target.schema if custom_schema_name is none else custom_schema_name | trim }}
{%- endmacro %}
