-- METRICS §38: steps and append tokens by hit ratio, bins open on the left.
with
    names(bin, name) as (
        values
            (0, '0'),
            (1, '(0,.01]'),
            (2, '(.01,.05]'),
            (3, '(.05,.10]'),
            (4, '(.10,.20]'),
            (5, '(.20,.40]'),
            (6, '(.40,.60]'),
            (7, '(.60,.80]'),
            (8, '(.80,.90]'),
            (9, '(.90,.95]'),
            (10, '(.95,.98]'),
            (11, '(.98,.99]'),
            (12, '(.99,.995]'),
            (13, '(.995,1]')
    )
select
    scope,
    published_trigger as trigger,
    name as bin,
    coalesce(steps, 0) as rounds,
    coalesce(step_share, 0) as round_share,
    coalesce(append_tokens, 0) as append_tokens,
    coalesce(append_share, 0) as append_token_share
from cells
cross join names
left join
    summary_cache_hit_ratio_bins as bins
    on replace(scope, 'merged', 'all') = bins.provider
    and bins.session_kind = 'all'
    and bins.model = 'all'
    and cells.trigger = bins.trigger
    and binning = 'fine'
    and names.bin = bins.bin
