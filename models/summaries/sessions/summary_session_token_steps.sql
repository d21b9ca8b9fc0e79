-- One row per session of a size that can be drawn step by step, up to a hundred: what
-- it held, and whether it is one of those to draw.
with
    sessions as (
        select *
        from {{ ref("sessions") }}
        where
            steps between 60 and 220
            and user_steps >= 2
            and tool_steps >= 10
            and user_steps <= 0.7 * steps
    ),
    steps as (
        select
            *,
            step_id in (
                select step_id
                from {{ ref("compactions") }}
                where source = 'explicit' and step_id is not null
            ) as has_marker,
            lag(context_tokens ignore nulls) over ordinary as before_tokens,
            greatest(
                lead(context_tokens, 1 ignore nulls) over ordinary,
                lead(context_tokens, 2 ignore nulls) over ordinary,
                lead(context_tokens, 3 ignore nulls) over ordinary
            ) as rebound_tokens
        from {{ ref("steps") }}
        where session_id in (select session_id from sessions)
        window
            ordinary as (partition by session_id, purpose is null order by step_index)
    ),
    step_totals as (
        select
            session_id,
            count(*) filter (where has_marker) as marker_steps,
            -- what a picture marks: smaller falls than those of compactions, too
            count(*) filter (
                where
                    purpose is null
                    and not has_marker
                    and before_tokens >= 32768
                    and before_tokens - context_tokens >= 8192
                    and context_tokens <= 0.75 * before_tokens
                    and rebound_tokens < 0.75 * before_tokens
            ) as fall_steps,
            -- the tokens of several calls are no size of one prompt
            avg(prefix_tokens) filter (where calls = 1) as prefix_mean_tokens,
            avg(append_tokens) filter (where calls = 1) as append_mean_tokens,
            avg(output_tokens) filter (
                where usage_is_final is not false
            ) as output_mean_tokens,
            max(prefix_tokens) filter (where calls = 1) as prefix_max_tokens,
            max(append_tokens) filter (where calls = 1) as append_max_tokens,
            count(generation_ms) as generation_steps,
            avg(generation_ms) / 1000 as generation_mean_s
        from steps
        group by session_id
    ),
    scored as (
        select
            *,
            marker_steps + fall_steps as marks,
            log2(greatest(peak_context_tokens, 1)) as log_context,
            least(user_steps, tool_steps) as rarer_steps,
            steps
            + 5 * rarer_steps
            + log_context
            + 0.03 * tool_calls
            + 12 * marks as score,
            18 * log_context
            + 10 * log2(greatest(input_tokens, 1))
            + 0.25 * steps
            + 0.2 * rarer_steps
            + 10 * marks as context_score,
            100 * marks
            + 10 * log_context
            + 0.1 * steps
            + 0.01 * tool_calls as compaction_score
        from sessions
        inner join step_totals using (session_id)
    ),
    ranked as (
        select
            *,
            row_number() over (
                order by score desc, started_at, session_id
            ) as score_rank,
            row_number() over (
                order by context_score desc, started_at, session_id
            ) as context_score_rank,
            row_number() over (
                order by marks > 0 desc, compaction_score desc, started_at, session_id
            ) as compaction_score_rank
        from scored
    )
select
    provider,
    session_id,
    session_kind,
    model,
    score_rank,
    score_rank <= 6
    or context_score_rank <= 4
    or (marks > 0 and compaction_score_rank <= 4) as is_selected,
    score::double as score,
    context_score::double as context_score,
    compaction_score::double as compaction_score,
    steps,
    user_steps,
    tool_steps,
    tool_calls,
    marker_steps,
    fall_steps,
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
