-- METRICS §32: the same tools as two rings: those with at least 2 % of the calls
-- (else the
-- most called) and the rest as one; of the rest the six most called and what is left.
with
    tools as (
        select
            provider,
            if(tool_group = 'rare', 'Other (<20 calls/tool)', tool_group) as tool_name,
            tool_calls,
            tool_errors,
            sum(tool_calls) over (partition by provider) as provider_calls,
            call_share >= 0.02
            or (
                max(call_share) over (partition by provider) < 0.02 and calls_rank = 1
            ) as is_main
        from summary_tool_counts
        where
            provider <> 'all'
            and session_kind = 'all'
            and model = 'all'
            and tool_group <> 'all'
            and tool_name = 'all'
    ),
    ranked as (
        select
            *,
            row_number() over (
                partition by provider, is_main order by tool_calls desc, tool_name
            ) as place
        from tools
    ),
    segments as (
        select
            provider,
            'main' as panel,
            if(is_main, tool_name, 'Small tools') as tool_name,
            if(is_main, place, 1000) as place,
            tool_calls,
            tool_errors,
            provider_calls
        from ranked
        union all
        select
            provider,
            'expanded_small' as panel,
            if(place <= 6, tool_name, 'Other small') as tool_name,
            least(place, 7) as place,
            tool_calls,
            tool_errors,
            provider_calls
        from ranked
        where not is_main
    ),
    numbered as (
        select
            provider,
            panel,
            tool_name,
            row_number() over (partition by provider, panel order by place) as number,
            sum(tool_calls)::bigint as calls,
            sum(tool_errors)::bigint as error_calls,
            any_value(provider_calls) as provider_calls
        from segments
        group by provider, panel, tool_name, place
    )
select
    provider,
    panel,
    tool_name,
    min(number) over (partition by provider, panel, calls) as rank,
    calls,
    error_calls,
    calls / provider_calls as share_of_provider_calls,
    calls / sum(calls) over (partition by provider, panel) as share_of_panel_calls
from numbered
