-- METRICS §32: calls by tool, MCP servers merged, rare tools folded, the 30 most
-- called of each provider.
with
    named as (
        select
            provider,
            if(starts_with(tool_name, 'mcp_'), 'mcp', tool_name) as tool_name,
            is_error
        from tool_calls
    ),
    tools as (
        select
            provider,
            tool_name,
            count(*) as calls,
            count(*) filter (where is_error) as error_calls
        from named
        group by provider, tool_name
    ),
    folded as (
        select
            provider,
            if(calls < 20, 'Other (<20 calls/tool)', tool_name) as tool_name,
            sum(calls) as calls,
            sum(error_calls) as error_calls
        from tools
        group by all
    )
select
    provider,
    tool_name,
    rank() over (partition by provider order by calls desc) as rank,
    calls,
    error_calls,
    error_calls / calls as error_rate
from folded
qualify rank <= 30
