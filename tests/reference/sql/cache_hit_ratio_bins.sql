-- METRICS §38: steps and append tokens by hit ratio, bins open on the left.
with
    edges(bin, above, at_most) as (
        values
            ('0', -1::double, 0::double),
            ('(0,.01]', 0, 0.01),
            ('(.01,.05]', 0.01, 0.05),
            ('(.05,.10]', 0.05, 0.1),
            ('(.10,.20]', 0.1, 0.2),
            ('(.20,.40]', 0.2, 0.4),
            ('(.40,.60]', 0.4, 0.6),
            ('(.60,.80]', 0.6, 0.8),
            ('(.80,.90]', 0.8, 0.9),
            ('(.90,.95]', 0.9, 0.95),
            ('(.95,.98]', 0.95, 0.98),
            ('(.98,.99]', 0.98, 0.99),
            ('(.99,.995]', 0.99, 0.995),
            ('(.995,1]', 0.995, 1)
    )
select
    scope,
    published_trigger as trigger,
    bin,
    count(step_id) as rounds,
    rounds
    / nullif(sum(rounds) over (partition by scope, cells.trigger), 0) as round_share,
    coalesce(sum(append_tokens), 0) as append_tokens,
    coalesce(sum(append_tokens), 0) / sum(sum(append_tokens)) over (
        partition by scope, cells.trigger
    ) as append_token_share
from cells
cross join edges
left join
    cache_reuse
    on scope in ('merged', provider)
    and cells.trigger in ('all', cache_reuse.trigger)
    and cache_reuse.trigger in ('user', 'tool')
    and hit_ratio > above
    and hit_ratio <= at_most
group by scope, cells.trigger, published_trigger, bin
