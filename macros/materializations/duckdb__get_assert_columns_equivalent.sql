{# Whether a query gives the columns of its contract. dbt asks the database for the types of both; here those that
   are declared as the database writes them are taken at their word, and dbt is asked only about what differs. #}
{% macro duckdb__get_assert_columns_equivalent(sql) %}
    {%- set found = [] -%}
    {%- for column in get_column_schema_from_query(sql) -%}
        {%- do found.append(
            column.name ~ " " ~ (column.dtype | lower | replace(" ", ""))
        ) -%}
    {%- endfor -%}
    {%- set declared = [] -%}
    {%- for column in model.columns.values() -%}
        {%- do declared.append(
            column.name ~ " " ~ (column.data_type | lower | replace(" ", ""))
        ) -%}
    {%- endfor -%}
    {%- if found | sort != declared | sort -%}
        {{ assert_columns_equivalent(sql) }}
    {%- endif -%}
{% endmacro %}
