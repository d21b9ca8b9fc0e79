-- Bins and thresholds add up to the count that the same cut has in one piece.
with
    whole as (
        select
            'summary_request_cdf' as table_name,
            concat_ws(', ', provider, session_kind, model) as cut,
            count
        from {{ ref("summary_request_response_time") }}
        union all
        select
            'summary_cache_hit_idle_grid',
            concat_ws(', ', provider, session_kind, trigger, gap_measure),
            count
        from {{ ref("summary_cache_hit_idle") }}
        where model = 'all' and hit_band = 'all'
    ),
    binned as (
        select
            'summary_request_cdf' as table_name,
            concat_ws(', ', provider, session_kind, model) as cut,
            max(cumulative_count) filter (threshold is null) as binned
        from {{ ref("summary_request_cdf") }}
        group by provider, session_kind, model, measure
        union all
        select
            'summary_cache_hit_idle_grid',
            concat_ws(', ', provider, session_kind, trigger, gap_measure),
            sum(steps)
        from {{ ref("summary_cache_hit_idle_grid") }}
        group by provider, session_kind, trigger, gap_measure, hit_bin = 'all'
    )
select table_name, cut, count, binned
from whole
left join binned using (table_name, cut)
where count > 0 and binned is distinct from count
