{# The cuts that every summary is grouped by; session units and sweeps have none by model. #}
{% macro cuts(by_model=true) -%}
    grouping sets (
        (),
        (provider),
        (session_kind),
        {% if by_model %} (provider, model), {% endif %}
        (provider, session_kind)
    )
{%- endmacro %}
