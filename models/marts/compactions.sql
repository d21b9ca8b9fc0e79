-- One row per compaction of a context: as the log marks it, else as prompt sizes tell.
with
    steps as (
        select
            *,
            lag(context_tokens) over later as before_tokens,
            max(context_tokens) over (partition by session_id) as session_max_tokens,
            greatest(
                lead(context_tokens, 1) over later,
                lead(context_tokens, 2) over later,
                lead(context_tokens, 3) over later
            ) as rebound_tokens
        from {{ ref("steps") }}
        -- unmetered steps have no size
        where purpose is null and context_tokens is not null
        window later as (partition by session_id order by step_index)
    ),
    markers as (select * from {{ ref("stg_compactions") }}),
    explicit as (
        select
            compaction_id,
            markers.session_id,
            markers.provider,
            markers.step_id,
            compacted_at,
            'explicit' as source,
            compaction_trigger,
            coalesce(pre_tokens, previous_context_tokens) as pre_tokens,
            coalesce(post_tokens, context_tokens) as post_tokens,
            step_index
        from markers
        left join {{ ref("steps") }} as steps using (step_id)
    ),
    -- a fall of 64,000 tokens from near the top that is not made good in three steps
    inferred as (
        select
            'inferred:' || step_id as compaction_id,
            session_id,
            provider,
            step_id,
            ready_at as compacted_at,
            'inferred' as source,
            null as compaction_trigger,
            before_tokens as pre_tokens,
            context_tokens as post_tokens,
            step_index
        from steps
        where
            session_id not in (select session_id from markers)
            and user_messages + tool_results > 0
            and before_tokens - context_tokens >= 64000
            and before_tokens >= 0.75 * session_max_tokens
            and rebound_tokens < 0.75 * before_tokens
    )
select
    compaction_id,
    session_id,
    row_number() over (
        partition by session_id
        order by step_index nulls last, compacted_at nulls last, compaction_id
    )
    - 1 as compaction_index,
    provider,
    step_id,
    compacted_at,
    source,
    compaction_trigger::varchar as compaction_trigger,
    pre_tokens,
    post_tokens,
    pre_tokens - post_tokens as dropped_tokens
from
    (
        select *
        from explicit
        union all by name
        select *
        from inferred
    )
