-- One row per session and model: the client's own running total, the greatest of its
-- files.
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
from {{ source("raw", "client_totals") }}
group by all
