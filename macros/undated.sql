{# A model's name as it is if known_names (a CTE) has it, else less the date at its end. #}
{% macro undated(provider, model) -%}
    if(
        ({{ provider }}, {{ model }}) in (select provider, name from known_names),
        {{ model }},
        regexp_replace({{ model }}, '-(\d{8}|\d{4}-\d{2}-\d{2})$', '')
    )
{%- endmacro %}
