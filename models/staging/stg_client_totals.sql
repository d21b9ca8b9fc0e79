-- One row per session and model: the client's own running total, by the log in which
-- the session goes on longest.
with
    -- a total can fall: the client begins anew where a person logs in, say
    last_said as (
        select client_totals.*
        from {{ source("raw", "client_totals") }} as client_totals
        left join
            {{ source("raw", "sessions") }} as sessions using (file_id, session_id)
        qualify
            rank() over (
                partition by session_id order by sessions.ended_at desc nulls last
            )
            = 1
    )
select
    session_id,
    {{ logged_name("model") }},
    max(input_tokens) as input_tokens,
    max(prefix_tokens) as prefix_tokens,
    max(cache_write_tokens) as cache_write_tokens,
    max(output_tokens) as output_tokens,
    max(reasoning_tokens) as reasoning_tokens,
    max(web_searches) as web_searches,
    -- an amount that is no money, such as inf or 1e300, is null
    max(try_cast(cost_usd as decimal(18, 12))) as cost_usd
from last_said
group by all
