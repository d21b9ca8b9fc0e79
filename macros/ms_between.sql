{# Milliseconds from one instant to another. Each is rounded to its nearest millisecond first, so that the parts of
   a span add up to the span exactly. #}
{% macro ms_between(from_at, to_at) -%}
    (epoch_ms({{ to_at }}) - epoch_ms({{ from_at }}))
{%- endmacro %}
