-- One row per cut, class or tool, and measure: how much of a Codex call lies outside
-- the command that it runs.
with
    calls as (
        select
            provider,
            session_kind,
            model,
            coalesce(codex_gap_class, 'other') as gap_class,
            tool_name,
            wall_ms,
            internal_ms,
            runner_gap_ms,
            unnest(
                [
                    -- a clock set back takes no time off
                    {'measure':'wall', 'ms':if(wall_ms < 0, 0, wall_ms)},
                    {'measure':'internal', 'ms':internal_ms},
                    {'measure':'gap', 'ms':runner_gap_ms}
                ],
                recursive := true
            )
        from {{ ref("tool_calls") }}
        left join
            (
                select provider, tool_name, codex_gap_class
                from {{ ref("tool_categories") }}
            ) using (provider, tool_name)
        where provider = 'codex'
    )
select
    provider,
    {{ pooled("session_kind") }},
    {{ pooled("model") }},
    {{ pooled("gap_class") }},
    {{ pooled("tool_name") }},
    measure,
    count(*) as tool_calls,
    count(runner_gap_ms) as timed_calls,
    count(*) filter (
        where wall_ms is not null and internal_ms is null
    ) as wall_only_calls,
    {{ distribution("ms", per=1000) }},
    sum(ms) / 1000 as total_s,
    sum(ms) filter (where runner_gap_ms is not null) / 1000 as timed_total_s,
    sum(ms) filter (where runner_gap_ms is not null)
    / sum(wall_ms) filter (where runner_gap_ms is not null) as timed_wall_share,
    count(*) filter (where runner_gap_ms = 0 and internal_ms > wall_ms) as overruns,
    coalesce(
        sum(internal_ms - wall_ms) filter (
            where runner_gap_ms = 0 and internal_ms > wall_ms
        ),
        0
    )
    / 1000 as overrun_s
from calls
group by
    provider,
    grouping sets ((), (session_kind), (model)),
    grouping sets ((), (gap_class), (gap_class, tool_name)),
    measure
