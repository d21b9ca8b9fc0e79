{# The sum of squared deviations of integers from their mean: exact, so the same in any order of rows, and 0 where all
   are equal. With the sum S = q * n + r it is sum(x * x) - q * (S + r) - r * r / n, no part of which overflows. #}
{% macro squared_deviations(value) -%}
    (
        sum({{ value }} * {{ value }})
        - divide(sum({{ value }}), count({{ value }}))
        * (sum({{ value }}) + sum({{ value }}) % count({{ value }}))
        - pow(sum({{ value }}) % count({{ value }}), 2) / count({{ value }})
    )
{%- endmacro %}
