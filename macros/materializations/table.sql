{# A table as dbt builds it, contract, constraints and comments included, but in place: a transaction stands for
   the copies that dbt makes and renames. Worth 20 ms a model, which is more than most summaries take. A Python
   model writes in a transaction of its own, and so beside the table that it replaces. #}
{% materialization table, adapter = "duckdb", supported_languages = ["sql", "python"] %}
    {%- set target = this.incorporate(type="table") -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set is_python = model["language"] == "python" -%}
    {%- set made = make_intermediate_relation(target) if is_python else target -%}
    {% call statement("drop") -%}
        drop {{ "table" if is_python or not existing else existing.type }} if exists {{ made }}
    {%- endcall %}
    {% if is_python %} {{ adapter.commit() }} {% endif %}
    {% call statement("main", language=model["language"]) -%}
        {{ create_table_as(False, made, compiled_code, model["language"]) }}
    {%- endcall %}
    {% if is_python %}
        {% call statement("replace") -%}
            drop {{ existing.type if existing else "table" }} if exists {{ target }};
            alter table {{ made }} rename to {{ target.identifier }}
        {%- endcall %}
    {% endif %}
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
