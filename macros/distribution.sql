{# The columns that describe a distribution; `per` turns its unit into the summary's (1000: ms to s). Exact, and the
   same in any order of rows, which holds for the mean of integers and decimals only: hand in no doubles. #}
{% macro distribution(value, per=1) -%}
    count({{ value }}) as count,
    avg({{ value }}) / {{ per }} as mean,
    min({{ value }}) / {{ per }} as min,
    quantile_cont(({{ value }}) / {{ per }}, 0.1) as p10,
    quantile_cont(({{ value }}) / {{ per }}, 0.25) as p25,
    quantile_cont(({{ value }}) / {{ per }}, 0.5) as p50,
    quantile_cont(({{ value }}) / {{ per }}, 0.75) as p75,
    quantile_cont(({{ value }}) / {{ per }}, 0.9) as p90,
    quantile_cont(({{ value }}) / {{ per }}, 0.95) as p95,
    quantile_cont(({{ value }}) / {{ per }}, 0.99) as p99,
    max({{ value }}) / {{ per }} as max
{%- endmacro %}
