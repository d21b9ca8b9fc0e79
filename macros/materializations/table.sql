{# A table as dbt builds it, contract, constraints and comments included, but in place: a transaction stands for
   the copies that dbt makes and renames, and one statement for several. Worth 25 ms a model, which is more than
   most summaries take. What `meta.parts` lists is inserted part by part (see is_in_part). A Python model writes in a
   transaction of its own, and so beside the table that it replaces. #}
{% materialization table, adapter = "duckdb", supported_languages = ["sql", "python"] %}
    {%- set target = this.incorporate(type="table") -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set parts = model.config.meta.get("parts", []) -%}
    {%- set drop_existing -%}
        drop {{ existing.type if existing else "table" }} if exists {{ target }};
    {%- endset -%}
    {%- set comments -%}
        {% if config.persist_relation_docs() or config.persist_column_docs() %}
            {{ duckdb__alter_relation_comment(target, model.description) }};
            {% for column in model.columns.values() %}
                comment on column {{ target }}.{{ column.name }} is {{ duckdb_escape_comment(column.description) }};
            {% endfor %}
        {% endif %}
    {%- endset -%}
    {% if model["language"] == "python" %}
        {%- set made = make_intermediate_relation(target) -%}
        {% call statement("drop") -%} drop table if exists {{ made }}
        {%- endcall %}
        {{ adapter.commit() }}
        {% call statement("main", language="python") -%}
            {{ create_table_as(False, made, compiled_code, "python") }}
        {%- endcall %}
        {% call statement("replace") -%}
            {{ drop_existing }}
            alter table {{ made }} rename to {{ target.identifier }};
            {{ comments }}
        {%- endcall %}
    {% else %}
        {% call statement("main") -%}
            {{ drop_existing }}
            {% if parts %}
                set variable part = {{ parts[0] }}
                ;
            {% endif %}
            {{ create_table_as(False, target, compiled_code) }}
            {% for part in parts[1:] %}
                set variable part = {{ part }}
                ;
                insert into {{ target }} {{ get_column_names() }} ({{ get_select_subquery(compiled_code) }});
            {% endfor %}
            {% if parts %}
                reset variable part
                ;
            {% endif %}
            {{ comments }}
        {%- endcall %}
    {% endif %}
    {{ adapter.commit() }}
    {{ return({"relations": [target]}) }}
{% endmaterialization %}
