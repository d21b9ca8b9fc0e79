{# How long at least one of a group's spans lasts. Starts and ends are lists in order, each by itself: where all that
   began are over, as many have ended, whichever they are. A running maximum of ends says the same at thrice the cost. #}
{% macro union_ms(starts, ends) -%}
    list_sum(
        list_transform(
            {{ ends }},
            lambda to_ms,
            k:to_ms - greatest({{ starts }} [k], {{ ends }} [k - 1])
        )
    )
{%- endmacro %}
