-- One row per cut, unit and metric: how many requests, steps and tool calls a session,
-- a request and a step hold. Sessions are not cut by model.
with
    amounts as (
        select
            'session' as unit,
            provider,
            session_kind,
            null as model,
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
            model,
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
        select 'step' as unit, provider, session_kind, model, 'tool_calls', tool_calls
        from {{ ref("steps") }}
    )
select
    {{ pooled("provider") }},
    {{ pooled("session_kind") }},
    {{ pooled("model") }},
    unit,
    metric,
    {{ distribution("amount") }}
from amounts
group by {{ cuts() }}, unit, metric
having unit <> 'session' or grouping(model) = 1
