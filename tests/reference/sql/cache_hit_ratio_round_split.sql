-- METRICS §38: steps by hit ratio, four bins closed on the left.
with
    edges(hit_ratio_bucket, at_least, below) as (
        values
            ('<10%', 0::double, 0.1::double),
            ('10-40%', 0.1, 0.4),
            ('40-80%', 0.4, 0.8),
            ('80%+', 0.8, 2)
    )
select
    scope,
    published_trigger as trigger,
    hit_ratio_bucket,
    count(step_id) as rounds,
    rounds
    / nullif(sum(rounds) over (partition by scope, cells.trigger), 0) as round_share
from cells
cross join edges
left join
    cache_reuse
    on scope in ('merged', provider)
    and cells.trigger in ('all', cache_reuse.trigger)
    and cache_reuse.trigger in ('user', 'tool')
    and hit_ratio >= at_least
    and hit_ratio < below
group by scope, cells.trigger, published_trigger, hit_ratio_bucket
