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
{# What that order asks of each session. #}
{% macro session_ends() -%}
    select
        sessions.session_id,
        max(sessions.ended_at) as session_ended_at,
        max(conversations.ended_at) as conversation_ended_at,
        min(sessions.session_kind) as session_kind
    from {{ source("raw", "sessions") }} as sessions
    left join
        {{ source("raw", "sessions") }} as conversations
        on sessions.root_session_id = conversations.session_id
    group by sessions.session_id
{%- endmacro %}
{# The sessions that a log of their own tells of; one that holds nothing but copies does not. #}
{% macro own_sessions() -%}
    select distinct session_id
    from {{ source("raw", "sessions") }}
    semi join {{ source("raw", "events") }} using (file_id, session_id)
    where is_own
{%- endmacro %}
