-- METRICS §13, definition A: compactions inferred from the prompts' sizes, and the
-- major drops they are found among.
with
    inferred as (
        select scopes.scope, summary_compactions.*
        from scopes
        inner join summary_compactions on scope = replace(provider, 'all', 'merged')
        where session_kind = 'all' and source = 'inferred'
    ),
    everywhere as (select * from inferred where trigger = 'all' and population = 'all'),
    compacted as (
        select * from inferred where trigger = 'all' and population = 'compacted'
    ),
    started as (
        select
            scope,
            any_value(compactions) filter (where trigger = 'user') as user,
            any_value(compactions) filter (where trigger = 'tool') as tool
        from inferred
        where population = 'all'
        group by scope
    )
select
    scope,
    everywhere.count as sessions,
    everywhere.major_reductions,
    everywhere.compactions,
    coalesce(everywhere.share_of_major, 0) as share_of_major,
    coalesce(compacted.count, 0) as compacting_sessions,
    compacting_sessions / sessions as compacting_share,
    everywhere.mean as all_mean,
    everywhere.p25 as all_p25,
    everywhere.p50 as all_p50,
    everywhere.p90 as all_p90,
    everywhere.p99 as all_p99,
    coalesce(compacted.mean, 0) as some_mean,
    coalesce(compacted.p50, 0) as some_p50,
    coalesce(compacted.p90, 0) as some_p90,
    coalesce(compacted.p99, 0) as some_p99,
    started.user as user,
    coalesce(started.user / nullif(everywhere.compactions, 0), 0) as user_share,
    tool,
    coalesce(tool / nullif(everywhere.compactions, 0), 0) as tool_share
from everywhere
left join compacted using (scope)
inner join started using (scope)
