{# The columns that describe a distribution; `per` turns its unit into the summary's (1000: ms to s). Exact, and the
   same in any order of rows, which holds for the mean of integers and decimals only: hand in no doubles. All
   percentiles come from one aggregate: written alike, DuckDB computes it once. #}
{% macro distribution(value, per=1) -%}
    count({{ value }}) as count,
    avg({{ value }}) / {{ per }} as mean,
    min({{ value }}) / {{ per }} as min,
    {% for name in ["p10", "p25", "p50", "p75", "p90", "p95", "p99"] -%}
        quantile_cont(
            ({{ value }}) / {{ per }}, [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]
        )[{{ loop.index }}] as {{ name }},
    {% endfor -%}
    max({{ value }}) / {{ per }} as max
{%- endmacro %}
{# The same of many columns at once, a struct each, to be unpivoted: rows of one value each are many to group. #}
{% macro distributions(columns, per=1) -%}
    {
        'count':count({{ columns }}),
        'mean':avg({{ columns }}) / {{ per }},
        'sum':sum({{ columns }}),
        'total':sum({{ columns }}) / {{ per }},
        'at':quantile_cont(
            {{ columns }} / {{ per }}, [0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1]
        )
    } as "\0"
{%- endmacro %}
{# The columns of such a struct. #}
{% macro distribution_of(found) -%}
    {{ found }}.count as count,
    {{ found }}.mean as mean,
    {% for name in ["min", "p10", "p25", "p50", "p75", "p90", "p95", "p99", "max"] -%}
        {{ found }}.at[{{ loop.index }}] as {{ name }}{{ "," if not loop.last }}
    {% endfor -%}
{%- endmacro %}
