-- One row per compaction of a context: as the log marks it, else as prompt sizes tell.
with
    steps as (select * from {{ ref("steps") }}),
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
        left join steps using (step_id)
    ),
    inferred as (
        select
            'inferred:' || step_id as compaction_id,
            session_id,
            provider,
            step_id,
            ready_at as compacted_at,
            'inferred' as source,
            null as compaction_trigger,
            inferred_pre_tokens as pre_tokens,
            context_tokens as post_tokens,
            step_index
        from steps
        where
            inferred_pre_tokens is not null
            and session_id not in (select session_id from markers)
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
