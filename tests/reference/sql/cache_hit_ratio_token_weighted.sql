-- METRICS §38: hit ratio by tokens; `all` is every step, whatever started it.
select
    scope,
    published_trigger as trigger,
    steps as rounds,
    prefix_tokens,
    append_tokens,
    input_tokens as total_input_tokens,
    hit_ratio as token_weighted_hit_rate
from cells
inner join
    summary_cache_hit_ratio as hits
    on replace(scope, 'merged', 'all') = provider
    and session_kind = 'all'
    and model = 'all'
    and cells.trigger = hits.trigger
