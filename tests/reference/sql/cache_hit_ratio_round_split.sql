-- METRICS §38: steps by hit ratio, four bins closed on the left.
select
    scope,
    published_trigger as trigger,
    hit_ratio_bucket,
    coalesce(sum(steps), 0) as rounds,
    coalesce(sum(step_share), 0) as round_share
from cells
cross join
    (
        values
            ('<10%', 0, 0.1),
            ('10-40%', 0.1, 0.4),
            ('40-80%', 0.4, 0.8),
            ('80%+', 0.8, 1)
    ) as buckets(hit_ratio_bucket, at_least, below)
left join
    summary_cache_hit_ratio_bins as bins
    on replace(scope, 'merged', 'all') = bins.provider
    and bins.session_kind = 'all'
    and bins.model = 'all'
    and cells.trigger = bins.trigger
    and binning = 'coarse'
    and low >= at_least
    and high <= below
group by scope, published_trigger, hit_ratio_bucket
