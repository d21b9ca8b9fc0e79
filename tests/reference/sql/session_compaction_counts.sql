-- METRICS §13, definition A: compactions inferred from the prompts' sizes, and the
-- major drops they are found among.
with
    inferred as (
        select compactions.session_id, trigger
        from compactions
        inner join steps using (step_id)
        where source = 'inferred'
    ),
    drops as (
        select session_id, count(*) as drops
        from steps
        where context_growth_tokens <= -64000 and trigger in ('user', 'tool')
        group by session_id
    ),
    counted as (
        select
            session_id,
            count(*) as compactions,
            count(*) filter (where trigger = 'user') as user_compactions,
            count(*) filter (where trigger = 'tool') as tool_compactions
        from inferred
        group by session_id
    ),
    per_session as (
        select
            provider,
            coalesce(drops, 0) as drops,
            coalesce(counted.compactions, 0) as compactions,
            coalesce(user_compactions, 0) as user_compactions,
            coalesce(tool_compactions, 0) as tool_compactions
        from sessions
        left join drops using (session_id)
        left join counted using (session_id)
        where sessions.steps > 0
    )
select
    scope,
    count(*) as sessions,
    sum(drops) as major_reductions,
    sum(per_session.compactions) as compactions,
    coalesce(sum(per_session.compactions) / nullif(sum(drops), 0), 0) as share_of_major,
    count(*) filter (where per_session.compactions > 0) as compacting_sessions,
    count(*) filter (where per_session.compactions > 0) / count(*) as compacting_share,
    avg(per_session.compactions) as all_mean,
    quantile_cont(per_session.compactions, 0.25) as all_p25,
    quantile_cont(per_session.compactions, 0.5) as all_p50,
    quantile_cont(per_session.compactions, 0.9) as all_p90,
    quantile_cont(per_session.compactions, 0.99) as all_p99,
    coalesce(
        avg(per_session.compactions) filter (where per_session.compactions > 0), 0
    ) as some_mean,
    coalesce(
        quantile_cont(per_session.compactions, 0.5) filter (
            where per_session.compactions > 0
        ),
        0
    ) as some_p50,
    coalesce(
        quantile_cont(per_session.compactions, 0.9) filter (
            where per_session.compactions > 0
        ),
        0
    ) as some_p90,
    coalesce(
        quantile_cont(per_session.compactions, 0.99) filter (
            where per_session.compactions > 0
        ),
        0
    ) as some_p99,
    sum(user_compactions) as user,
    coalesce(
        sum(user_compactions) / nullif(sum(per_session.compactions), 0), 0
    ) as user_share,
    sum(tool_compactions) as tool,
    coalesce(
        sum(tool_compactions) / nullif(sum(per_session.compactions), 0), 0
    ) as tool_share
from scopes
inner join per_session on scope in ('merged', provider)
group by scope
