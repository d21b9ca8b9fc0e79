{# A dimension of a summary: `all` in the rows that pool it, the value elsewhere; null stays null. #}
{% macro pooled(column) -%}
    case
        when grouping({{ column }}) = 1 then 'all' else {{ column }}
    end as {{ column }}
{%- endmacro %}
