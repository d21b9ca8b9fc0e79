{# Rows of a table as numbers to look published figures up in: by column, or by statistic where `metric` says what a
   row is of. They are cut by one dimension at most, `by`, whose null is no value; `more` adds columns to the
   numbers. #}
{% macro figures_of(
    relation,
    table=none,
    metric="null",
    by=none,
    value=none,
    dimension=none,
    more="null as more",
    where="true"
) -%}
    select
        '{{ table or relation.identifier }}' as table_name,
        {{ metric }} as metric,
        provider,
        nullif(({{ value or by or "'all'" }})::varchar, 'all') as dimension_value,
        if(
            dimension_value is null, null, {{ dimension or "'" ~ by ~ "'" }}
        ) as dimension,
        to_json(numbers) as numbers
    from (select *, {{ more }} from {{ relation }}) as numbers
    where
        ({{ where }})
        {% if by and not value %} and {{ by }} is not null {% endif %}
        {% for pooled in ["session_kind", "model", "trigger"] if pooled != by -%}
            and coalesce(to_json(numbers) -> '{{ pooled }}', '"all"') = '"all"'
        {% endfor %}
{%- endmacro %}
