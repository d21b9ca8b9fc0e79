{# A table as dbt builds it, contract, constraints and comments included, but in place: a transaction stands for
   the copies that dbt makes and renames. Worth 20 ms a model, which is more than most summaries take. #}
{% materialization table, adapter = "duckdb", supported_languages = ["sql", "python"] %}
    {%- set target = this.incorporate(type="table") -%}
    {%- set existing = load_cached_relation(this) -%}
    {% call statement("drop") -%}
        drop {{ existing.type if existing else "table" }} if exists {{ target }}
    {%- endcall %}
    {% call statement("main", language=model["language"]) -%}
        {{ create_table_as(False, target, compiled_code, model["language"]) }}
    {%- endcall %}
    {% if config.persist_relation_docs() or config.persist_column_docs() %}
        {% call statement("comments") -%}
            {{ duckdb__alter_relation_comment(target, model.description) }}
            {% for column in model.columns.values() %}
                comment on column {{ target }}.{{ column.name }} is {{ duckdb_escape_comment(column.description) }};
            {% endfor %}
        {%- endcall %}
    {% endif %}
    {{ adapter.commit() }}
    {{ return({"relations": [target]}) }}
{% endmaterialization %}
