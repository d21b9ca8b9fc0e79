{# A name from a log: '' is none, and one that pooled rows bear is told apart by double quotes. #}
{% macro logged_name(column) -%}
    case
        when {{ column }} in ('all', 'other')
        then '"' || {{ column }} || '"'
        else nullif({{ column }}, '')
    end as {{ column }}
{%- endmacro %}
