-- Bins and thresholds add up to the count that the same cut has in one piece.
with
    whole as (
        select
            'summary_request_cdf' as table_name,
            concat_ws(', ', provider, session_kind, coalesce(model, '')) as cut,
            count
        from {{ ref("summary_request_response_time") }}
        union all
        select
            'summary_cache_hit_idle_grid',
            concat_ws(', ', provider, session_kind, trigger, gap_measure),
            count
        from {{ ref("summary_cache_hit_idle") }}
        where model = 'all' and hit_band = 'all'
        union all
        select
            unnest(
                [
                    'summary_tool_latency_bins',
                    'summary_tool_latency_cdf',
                    'summary_tool_long_tail'
                ]
            ),
            concat_ws(', ', provider, session_kind, coalesce(model, '')),
            count
        from {{ ref("summary_tool_latency") }}
        where tool_name = 'all'
        union all
        select
            'summary_human_wait_cdf',
            concat_ws(', ', provider, session_kind, coalesce(model, '')),
            count
        from {{ ref("summary_human_wait") }}
        where cap = 'all'
        union all
        select
            'summary_generation_time_cdf',
            concat_ws(', ', provider, session_kind, coalesce(model, '')),
            count
        from {{ ref("summary_generation_time") }}
        union all
        select
            'summary_prefix_append',
            concat_ws(', ', provider, session_kind, coalesce(model, '')),
            count
        from {{ ref("summary_token_lengths") }}
        where measure = 'append_tokens'
        union all
        select
            'summary_append_by_prefix_bin',
            concat_ws(', ', provider, session_kind, coalesce(model, '')),
            count
        from {{ ref("summary_token_lengths") }}
        where measure = 'prefix_tokens'
        union all
        select
            'summary_cache_hit_ratio_bins',
            concat_ws(', ', provider, session_kind, coalesce(model, ''), trigger),
            count
        from {{ ref("summary_cache_hit_ratio") }}
        where trigger <> 'none'
    ),
    binned as (
        select
            'summary_request_cdf' as table_name,
            concat_ws(', ', provider, session_kind, coalesce(model, '')) as cut,
            max(cumulative_count) filter (threshold is null) as binned
        from {{ ref("summary_request_cdf") }}
        group by cut, measure
        union all
        select
            'summary_cache_hit_idle_grid',
            concat_ws(', ', provider, session_kind, trigger, gap_measure) as cut,
            sum(steps)
        from {{ ref("summary_cache_hit_idle_grid") }}
        group by cut, hit_bin = 'all'
        union all
        select
            'summary_tool_latency_bins',
            concat_ws(', ', provider, session_kind, coalesce(model, '')) as cut,
            sum(tool_calls)
        from {{ ref("summary_tool_latency_bins") }}
        group by cut
        union all
        select
            'summary_tool_latency_cdf',
            concat_ws(', ', provider, session_kind, coalesce(model, '')) as cut,
            max(cumulative_count) filter (threshold_s is null)
        from {{ ref("summary_tool_latency_cdf") }}
        group by cut
        union all
        select
            'summary_tool_long_tail',
            concat_ws(', ', provider, session_kind, coalesce(model, '')) as cut,
            sum(tool_calls)
        from {{ ref("summary_tool_long_tail") }}
        where tool_category = 'all' and call_kind = 'all'
        group by cut
        union all
        select
            'summary_human_wait_cdf',
            concat_ws(', ', provider, session_kind, coalesce(model, '')) as cut,
            max(cumulative_count) filter (threshold_s is null)
        from {{ ref("summary_human_wait_cdf") }}
        group by cut
        union all
        select
            'summary_generation_time_cdf',
            concat_ws(', ', provider, session_kind, coalesce(model, '')) as cut,
            max(cumulative_count) filter (threshold_s is null)
        from {{ ref("summary_generation_time_cdf") }}
        group by cut
        union all
        select
            'summary_prefix_append',
            concat_ws(', ', provider, session_kind, coalesce(model, '')) as cut,
            sum(steps)
        from {{ ref("summary_prefix_append") }}
        group by cut
        union all
        select
            'summary_append_by_prefix_bin',
            concat_ws(', ', provider, session_kind, coalesce(model, '')) as cut,
            sum(count)
        from {{ ref("summary_append_by_prefix_bin") }}
        group by cut
        union all
        select
            'summary_cache_hit_ratio_bins',
            concat_ws(
                ', ', provider, session_kind, coalesce(model, ''), trigger
            ) as cut,
            sum(steps)
        from {{ ref("summary_cache_hit_ratio_bins") }}
        group by cut, binning
    )
select table_name, cut, count, binned
from whole
left join binned using (table_name, cut)
where count > 0 and binned is distinct from count
