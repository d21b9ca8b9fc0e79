-- One row per cut, measure, bin of an output and bin of what the next prompt holds that
-- has pairs: whether the output comes back in the append or in the prefix.
with
    bins as (select * from {{ ref("bins") }} where grid = 'token_half_octaves'),
    pairs as (
        select
            provider,
            session_kind,
            model,
            bin as output_bin,
            low as output_low_tokens,
            high as output_high_tokens,
            unnest(
                [
                    {'measure':'append_tokens', 'held_tokens':append_tokens},
                    {
                        'measure':'prefix_gain_tokens',
                        'held_tokens':greatest(gain_tokens, 0)
                    }
                ],
                recursive := true
            )
        from {{ ref("sim_output_pairs") }}
        asof join bins on output_tokens >= low
    )
select
    {{ pooled("provider") }},
    {{ pooled("session_kind") }},
    {{ pooled("model") }},
    measure,
    output_bin,
    output_low_tokens,
    output_high_tokens,
    bin as held_bin,
    low as held_low_tokens,
    high as held_high_tokens,
    count(*) as pairs
from pairs
asof join bins on held_tokens >= low
group by
    {{ cuts() }},
    measure,
    output_bin,
    output_low_tokens,
    output_high_tokens,
    bin,
    low,
    high
