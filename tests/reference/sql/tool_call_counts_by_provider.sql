-- METRICS §32: calls by tool, MCP servers merged, rare tools folded, the 30 most
-- called of each provider.
select
    provider,
    if(tool_group = 'rare', 'Other (<20 calls/tool)', tool_group) as tool_name,
    calls_rank as rank,
    tool_calls as calls,
    tool_errors as error_calls,
    tool_errors / tool_calls as error_rate
from summary_tool_counts
where
    provider <> 'all'
    and session_kind = 'all'
    and model = 'all'
    and tool_group <> 'all'
    and tool_name = 'all'
    and calls_rank <= 30
