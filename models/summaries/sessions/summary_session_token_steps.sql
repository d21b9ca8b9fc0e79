-- One row per session of a size that can be drawn step by step, up to a hundred: what
-- it held, and whether it is one of those to draw.
with
    step_totals as (
        select
            session_id,
            avg(prefix_tokens) as prefix_mean_tokens,
            avg(append_tokens) as append_mean_tokens,
            avg(output_tokens) filter (where usage_is_final) as output_mean_tokens,
            max(prefix_tokens) as prefix_max_tokens,
            max(append_tokens) as append_max_tokens,
            count(generation_ms) as generation_steps,
            avg(generation_ms) / 1000 as generation_mean_s
        from {{ ref("steps") }}
        group by session_id
    ),
    sources as (
        select session_id, any_value(source) as compaction_source
        from {{ ref("compactions") }}
        group by session_id
    ),
    candidates as (
        select
            *,
            log2(greatest(peak_context_tokens, 1)) as log_context,
            least(user_steps, tool_steps) as rarer_steps,
            steps
            + 5 * rarer_steps
            + log_context
            + 0.03 * tool_calls
            + 12 * compactions as score,
            18 * log_context
            + 10 * log2(greatest(input_tokens, 1))
            + 0.25 * steps
            + 0.2 * rarer_steps
            + 10 * compactions as context_score,
            100 * compactions
            + 10 * log_context
            + 0.1 * steps
            + 0.01 * tool_calls as compaction_score
        from {{ ref("sessions") }}
        inner join step_totals using (session_id)
        left join sources using (session_id)
        where
            steps between 60 and 220
            and user_steps >= 2
            and tool_steps >= 10
            and user_steps <= 0.7 * steps
    ),
    ranked as (
        select
            *,
            row_number() over (order by score desc, session_id) as score_rank,
            row_number() over (
                order by context_score desc, session_id
            ) as context_score_rank,
            row_number() over (
                order by compactions > 0 desc, compaction_score desc, session_id
            ) as compaction_score_rank
        from candidates
    )
select
    provider,
    session_id,
    session_kind,
    model,
    score_rank,
    score_rank <= 6
    or context_score_rank <= 4
    or (compactions > 0 and compaction_score_rank <= 4) as is_selected,
    score::double as score,
    context_score::double as context_score,
    compaction_score::double as compaction_score,
    steps,
    user_steps,
    tool_steps,
    tool_calls,
    compactions,
    compaction_source,
    input_tokens,
    prefix_tokens,
    append_tokens,
    output_tokens,
    hit_ratio,
    prefix_mean_tokens,
    append_mean_tokens,
    output_mean_tokens,
    prefix_max_tokens,
    append_max_tokens,
    peak_context_tokens,
    generation_steps,
    generation_mean_s
from ranked
where score_rank <= 100
