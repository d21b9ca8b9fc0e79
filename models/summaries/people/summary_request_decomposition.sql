-- One row per cut, bin of the response time and part: where the time of requests
-- goes, in seconds.
with
    bins as (select * from {{ ref("bins") }} where grid = 'response_s'),
    requests as (
        select
            provider,
            session_kind,
            model,
            bin as response_bin,
            low as response_low_s,
            high as response_high_s,
            response_ms,
            generation_ms as generation_part,
            tool_effective_ms as tool_effective_part,
            tool_wall_ms as tool_wall_part,
            response_ms - generation_ms - tool_effective_ms as residual_effective_part,
            response_ms - generation_ms - tool_wall_ms as residual_wall_part,
            generation_span_ms as generation_span_part,
            tool_span_ms as tool_span_part,
            generation_span_ms + tool_span_ms + other_ms - response_ms as overlap_part,
            generation_alone_ms as generation_alone_part,
            tool_alone_ms as tool_alone_part,
            response_ms - generation_alone_ms - tool_alone_ms - other_ms as both_part,
            other_ms as other_part,
            usage_gap_ms as usage_gap_part
        from {{ ref("requests") }}
        asof left join bins on if(response_ms > 0, response_ms / 1000, null) >= bins.low
    ),
    described as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            case
                when grouping(response_bin) = 1 then 'all' else response_bin::varchar
            end as response_bin,
            response_low_s,
            response_high_s,
            count(*) as all_requests,
            count(response_bin) as requests,
            sum(if(response_bin is null, null, response_ms)) as response_ms,
            count(
                if(response_bin is not null and columns('_part$') < 0, true, null)
            ) as "\0_negative",
            {{
                distributions(
                    "if(response_bin is null, null, columns('_part$'))", per=1000
                )
            }}
        from requests
        group by
            {{ cuts() }},
            grouping sets ((), (response_bin, response_low_s, response_high_s))
        having grouping(response_bin) = 1 or response_bin is not null
    )
select
    provider,
    session_kind,
    model,
    response_bin,
    response_low_s,
    response_high_s,
    part,
    requests,
    all_requests - requests as dropped_requests,
    {{ distribution_of("found") }},
    negative_requests,
    coalesce(found.total, 0) as total_s,
    1000 * total_s / response_ms as response_share
from
    described unpivot (
        (found, negative_requests) for part in (
            (generation_part, generation_part_negative) as 'generation',
            (tool_effective_part, tool_effective_part_negative) as 'tool_effective',
            (tool_wall_part, tool_wall_part_negative) as 'tool_wall',
            (
                residual_effective_part, residual_effective_part_negative
            ) as 'residual_effective',
            (residual_wall_part, residual_wall_part_negative) as 'residual_wall',
            (generation_span_part, generation_span_part_negative) as 'generation_span',
            (tool_span_part, tool_span_part_negative) as 'tool_span',
            (overlap_part, overlap_part_negative) as 'overlap',
            (
                generation_alone_part, generation_alone_part_negative
            ) as 'generation_alone',
            (tool_alone_part, tool_alone_part_negative) as 'tool_alone',
            (both_part, both_part_negative) as 'both',
            (other_part, other_part_negative) as 'other',
            (usage_gap_part, usage_gap_part_negative) as 'usage_gap'
        )
    )
-- without any request there is no row of all
where all_requests > 0
