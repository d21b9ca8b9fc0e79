-- METRICS §37: the same by class; only request_user_input counts as a person's here.
with
    tools as (
        select
            case
                when tool_name = 'request_user_input'
                then 'direct_human'
                when gap_class = 'execution_like'
                then 'execution_like'
                else 'other'
            end as category,
            *
        from summary_codex_tool_gap
        where session_kind = 'all' and model = 'all' and tool_name <> 'all'
    ),
    categories as (
        select unnest(['direct_human', 'execution_like', 'other']) as category
    )
select
    category,
    string_agg(tool_name, ';' order by tool_name) filter (
        where measure = 'wall'
    ) as tools,
    coalesce(sum(tool_calls) filter (where measure = 'wall'), 0)::bigint as calls,
    coalesce(sum(count) filter (where measure = 'wall'), 0)::bigint as wall_count,
    coalesce(sum(count) filter (where measure = 'internal'), 0)::bigint
    as internal_count,
    coalesce(sum(count - wall_only_calls) filter (where measure = 'wall'), 0)::bigint
    as both_count,
    coalesce(sum(wall_only_calls) filter (where measure = 'wall'), 0)::bigint
    as wall_only_count,
    coalesce(sum(total_s) filter (where measure = 'wall'), 0) as wall_total_s,
    coalesce(sum(total_s) filter (where measure = 'internal'), 0) as internal_total_s,
    coalesce(sum(total_s) filter (where measure = 'gap'), 0) as gap_total_s,
    gap_total_s / nullif(wall_total_s, 0) as gap_share_of_wall_pct
from categories
left join tools using (category)
group by category
