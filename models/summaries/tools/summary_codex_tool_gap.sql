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
            -- a clock set back takes no time off
            if(wall_ms < 0, 0, wall_ms) as wall,
            internal_ms as internal,
            runner_gap_ms as gap,
            if(
                runner_gap_ms = 0 and internal_ms > wall_ms, internal_ms - wall_ms, null
            ) as overrun_ms
        from {{ ref("tool_calls") }}
        left join
            (
                select provider, tool_name, codex_gap_class
                from {{ ref("tool_categories") }}
            ) using (provider, tool_name)
        where provider = 'codex'
    ),
    described as (
        select
            provider,
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            {{ pooled("gap_class") }},
            {{ pooled("tool_name") }},
            count(*) as tool_calls,
            count(runner_gap_ms) as timed_calls,
            count(*) filter (
                where wall_ms is not null and internal_ms is null
            ) as wall_only_calls,
            {{ distributions("columns('^(wall|internal|gap)$')", per=1000) }},
            sum(
                if(runner_gap_ms is null, null, columns('^(wall|internal|gap)$'))
            ) as "\0_timed",
            sum(if(runner_gap_ms is null, null, wall_ms)) as timed_wall_ms,
            count(overrun_ms) as overruns,
            coalesce(sum(overrun_ms), 0) / 1000 as overrun_s
        from calls
        group by
            provider,
            grouping sets ((), (session_kind), (model)),
            grouping sets ((), (gap_class), (gap_class, tool_name))
    )
select
    provider,
    session_kind,
    model,
    gap_class,
    tool_name,
    measure,
    tool_calls,
    timed_calls,
    wall_only_calls,
    {{ distribution_of("found") }},
    found.total as total_s,
    timed_ms / 1000 as timed_total_s,
    timed_ms / timed_wall_ms as timed_wall_share,
    overruns,
    overrun_s
from
    -- where no call is timed there is no sum of those
    described unpivot include nulls(
        (found, timed_ms) for measure in (
            (wall, wall_timed) as 'wall',
            (internal, internal_timed) as 'internal',
            (gap, gap_timed) as 'gap'
        )
    )
