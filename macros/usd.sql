{# What tokens cost at a price per million, in USD: exact, for prices of up to 6 decimals;
   null where the count is absurd. #}
{% macro usd(tokens, usd_per_mtok) -%}
    try_cast(
        ({{ tokens }})::decimal(19, 0)
        * {{ usd_per_mtok }}
        * 0.000001 as decimal(18, 12)
    )
{%- endmacro %}
