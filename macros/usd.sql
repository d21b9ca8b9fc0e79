{# What tokens cost at a price per million, in USD: exact, for prices of up to 6 decimals. #}
{% macro usd(tokens, usd_per_mtok) -%}
    (({{ tokens }})::decimal(12, 0) * {{ usd_per_mtok }} * 0.000001)::decimal(18, 12)
{%- endmacro %}
