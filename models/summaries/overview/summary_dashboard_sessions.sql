-- One row per session with a step: what a list of sessions shows.
select
    provider,
    session_id,
    root_session_id,
    session_kind,
    model,
    started_at,
    ended_at,
    wall_ms / 1000 as wall_s,
    case
        when wall_ms is not null then (generation_part_ms + tool_part_ms) / 1000
    end as active_s,
    requests,
    steps,
    user_steps,
    models,
    model_switches,
    tool_calls,
    tool_errors,
    compactions,
    input_tokens,
    output_tokens,
    hit_ratio,
    peak_context_tokens,
    cost_usd::double as cost_usd
from {{ ref("sessions") }}
where steps > 0
