{# Order of the sessions that tell of one thing, its owner first: a main session, then the
   origin (near or far) before its forks, the earlier time, the one whose conversation, or which itself, ends
   earlier. #}
{% macro owner_first(told_at, session_id) -%}
    session_kind = 'main' desc nulls last,
    is_origin desc nulls last,
    is_fork nulls first,
    {{ told_at }} nulls last,
    conversation_ended_at nulls last,
    session_ended_at nulls last,
    {{ session_id }}
{%- endmacro %}
