{# Fails for every key that stands on more than one row, or holds a null: names the key of a model. #}
{% test unique_grain(model, columns) %}
    select {{ columns | join(", ") }}, count(*) as rows_of_key
    from {{ model }}
    group by all
    having count(*) > 1 {% for column in columns %} or {{ column }} is null {% endfor %}
{% endtest %}
