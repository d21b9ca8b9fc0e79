{# After a whole build that passed, warnings or not: when it was, in which zone it cut days, and what it was made of. `tracelab status` and `tracelab run` compare it with what is there now. #}
{% macro record_build(results) -%}
    {% set failed = (
        results
        | rejectattr("status", "in", ["success", "pass", "warn", "no-op"])
        | list
    ) %}
    {% set is_partial = invocation_args_dict.select or invocation_args_dict.exclude %}
    {% if execute and flags.WHICH == "build" and not is_partial and not failed %}
        create or replace table {{ target.database }}.staging.last_build as
        select
            now() at time zone 'UTC' as built_at,
            '{{ var("timezone") }}' as timezone,
            nullif('{{ env_var("TRACELAB_PROJECT_SHA256", "") }}', '') as project_sha256,
            sha256(string_agg(file_id || status || loaded_at, '' order by file_id)) as raw_sha256
        from {{ target.database }}.raw.files
    {% endif %}
{%- endmacro %}


{# Before anything is built: from here on the tables may be of more than one build, until one is whole. #}
{% macro doubt_last_build() -%}
    {% set last_build = adapter.get_relation(target.database, "staging", "last_build") if execute %}
    {% if last_build and flags.WHICH in ["build", "run", "seed"] %}
        create or replace table {{ last_build }} as
        select columns(lambda name: name <> 'project_sha256'), null::varchar as project_sha256
        from {{ last_build }}
    {% elif execute and flags.WHICH in ["build", "run"] and not adapter.get_relation(
        target.database, "raw", "files"
    ) %}
        {{
            exceptions.raise_compiler_error(
                "nothing is loaded in "
                ~ env_var("TRACELAB_DB", "tracelab.duckdb")
                ~ ": run `tracelab load` first, or name the warehouse in TRACELAB_DB"
            )
        }}
    {% endif %}
{%- endmacro %}
