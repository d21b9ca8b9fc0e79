-- One row per cut, unit and metric: how many requests, steps and tool calls a session,
-- a request and a step hold.
with
    amounts as (
        select
            'session' as unit,
            provider,
            session_kind,
            unnest(
                [
                    {'metric':'requests', 'amount':timed_requests},
                    {'metric':'steps', 'amount':steps},
                    {'metric':'user_steps', 'amount':user_steps},
                    {'metric':'tool_steps', 'amount':tool_steps},
                    {'metric':'tool_calls', 'amount':tool_calls}
                ],
                recursive := true
            )
        from {{ ref("sessions") }}
        where steps > 0
        union all
        select
            'request' as unit,
            provider,
            session_kind,
            unnest(
                [
                    {'metric':'steps', 'amount':steps},
                    {'metric':'user_steps', 'amount':user_steps},
                    {'metric':'tool_steps', 'amount':tool_steps},
                    {'metric':'tool_calls', 'amount':tool_calls}
                ],
                recursive := true
            )
        from {{ ref("requests") }}
        where response_ms > 0
        union all
        select 'step' as unit, provider, session_kind, 'tool_calls', tool_calls
        from {{ ref("steps") }}
    )
select
    {{ pooled("provider") }},
    {{ pooled("session_kind") }},
    unit,
    metric,
    {{ distribution("amount") }}
from amounts
group by {{ cuts(by_model=false) }}, unit, metric
