-- One row per cut, bin of the response time and part: where the time of requests
-- goes, in seconds.
with
    bins as (select * from {{ ref("bins") }} where grid = 'response_s'),
    requests as (
        select
            *,
            generation_span_ms + tool_span_ms + other_ms - response_ms as overlap_ms,
            response_ms - generation_alone_ms - tool_alone_ms - other_ms as both_ms
        from {{ ref("requests") }}
    ),
    parts as (
        select
            provider,
            session_kind,
            model,
            bin as response_bin,
            low as response_low_s,
            high as response_high_s,
            response_ms,
            unnest(
                [
                    {'part':'generation', 'part_ms':generation_ms},
                    {'part':'tool_effective', 'part_ms':tool_effective_ms},
                    {'part':'tool_wall', 'part_ms':tool_wall_ms},
                    {
                        'part':'residual_effective',
                        'part_ms':response_ms - generation_ms - tool_effective_ms
                    },
                    {
                        'part':'residual_wall',
                        'part_ms':response_ms - generation_ms - tool_wall_ms
                    },
                    {'part':'generation_span', 'part_ms':generation_span_ms},
                    {'part':'tool_span', 'part_ms':tool_span_ms},
                    {'part':'overlap', 'part_ms':overlap_ms},
                    {'part':'generation_alone', 'part_ms':generation_alone_ms},
                    {'part':'tool_alone', 'part_ms':tool_alone_ms},
                    {'part':'both', 'part_ms':both_ms},
                    {'part':'other', 'part_ms':other_ms},
                    {'part':'usage_gap', 'part_ms':usage_gap_ms}
                ],
                recursive := true
            )
        from requests
        asof left join bins on if(response_ms > 0, response_ms / 1000, null) >= bins.low
    )
select
    {{ pooled("provider") }},
    {{ pooled("session_kind") }},
    {{ pooled("model") }},
    case
        when grouping(response_bin) = 1 then 'all' else response_bin::varchar
    end as response_bin,
    response_low_s,
    response_high_s,
    part,
    count(response_bin) as requests,
    count(*) - requests as dropped_requests,
    {{ distribution("if(response_bin is null, null, part_ms)", per=1000) }},
    count(*) filter (
        where response_bin is not null and part_ms < 0
    ) as negative_requests,
    coalesce(sum(part_ms) filter (where response_bin is not null), 0) / 1000 as total_s,
    1000
    * total_s
    / sum(response_ms) filter (where response_bin is not null) as response_share
from parts
group by
    {{ cuts() }},
    grouping sets ((), (response_bin, response_low_s, response_high_s)),
    part
having grouping(response_bin) = 1 or response_bin is not null
