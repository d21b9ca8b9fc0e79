-- METRICS §38: hit ratio by tokens; `all` is every step, whatever started it.
select
    scope,
    published_trigger as trigger,
    count(step_id) as rounds,
    coalesce(sum(prefix_tokens), 0) as prefix_tokens,
    coalesce(sum(append_tokens), 0) as append_tokens,
    coalesce(sum(input_tokens), 0) as total_input_tokens,
    sum(prefix_tokens) / sum(input_tokens) as token_weighted_hit_rate
from cells
left join
    cache_reuse
    on scope in ('merged', provider)
    and cells.trigger in ('all', cache_reuse.trigger)
    and hit_ratio is not null
group by scope, cells.trigger, published_trigger
