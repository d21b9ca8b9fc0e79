{# After a whole build that passed, warnings or not: when it was, and in which zone it cut days. `tracelab status` compares it with raw. #}
{% macro record_build(results) -%}
    {% set failed = (
        results
        | rejectattr("status", "in", ["success", "pass", "warn", "no-op"])
        | list
    ) %}
    {% set is_partial = invocation_args_dict.select or invocation_args_dict.exclude %}
    {% if execute and flags.WHICH == "build" and not is_partial and not failed %}
        create or replace table {{ target.database }}.staging.last_build as
        select now() at time zone 'UTC' as built_at, '{{ var("timezone") }}' as timezone
    {% endif %}
{%- endmacro %}
