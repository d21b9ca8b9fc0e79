-- One row per neighbourhood, segments of the same tokens or of nearly the same, and
-- kind of session, and all: how far off the best guess for its segments from the others
-- of the neighbourhood is, which no function of tokens can do better.
with
    segments as not materialized(
        select * from {{ ref("sim_timing_segments") }} where is_usable
    ),
    placed as (
        select
            'exact' as likeness,
            2 as least_segments,
            group_id,
            session_kind,
            prefix_tokens as prefix_bin,
            append_tokens as append_bin,
            output_tokens as output_bin,
            prefix_tokens,
            append_tokens,
            output_tokens,
            duration_ms
        from segments
        union all
        -- quarter octaves; -1 is none
        select
            'near',
            8,
            group_id,
            session_kind,
            floor(log2(greatest(prefix_tokens, 0.9)) / 0.25)::bigint,
            floor(log2(greatest(append_tokens, 0.9)) / 0.25)::bigint,
            floor(log2(greatest(output_tokens, 0.9)) / 0.25)::bigint,
            prefix_tokens,
            append_tokens,
            output_tokens,
            duration_ms
        from segments
        inner join
            (
                select group_id
                from segments
                group by group_id
                having count(*) filter (where not is_trimmed) >= 1000
            ) using (group_id)
        where not is_trimmed
    ),
    -- few segments are like another one
    crowded as (
        select likeness, group_id, prefix_bin, append_bin, output_bin
        from placed
        group by all
        having count(*) >= any_value(least_segments)
    ),
    neighbourhoods as (
        select
            likeness,
            group_id,
            prefix_bin,
            append_bin,
            output_bin,
            row_number() over (
                order by likeness, group_id, prefix_bin, append_bin, output_bin
            ) as neighbourhood_id,
            min(prefix_tokens) as prefix_min_tokens,
            max(prefix_tokens) as prefix_max_tokens,
            min(append_tokens) as append_min_tokens,
            max(append_tokens) as append_max_tokens,
            min(output_tokens) as output_min_tokens,
            max(output_tokens) as output_max_tokens,
            list_sort(
                list({'duration_ms':duration_ms, 'session_kind':session_kind})
            ) as durations,
            quantile_cont(duration_ms, [0.1, 0.5, 0.9]) as percentiles
        from placed
        semi join crowded using (likeness, group_id, prefix_bin, append_bin, output_bin)
        group by likeness, group_id, prefix_bin, append_bin, output_bin
    ),
    members as (
        select
            neighbourhood_id,
            len(durations) as segments,
            generate_subscripts(durations, 1) as place,
            unnest(durations, recursive := true),
            -- of segments that weigh the same, the guess is the median of the others
            durations[
                divide(segments, 2) + if(2 * place > segments, 0, 1)
            ].duration_ms as middle_ms
        from neighbourhoods
    ),
    -- each segment by each other loss: the best constant weighs segments by what an
    -- error of a millisecond costs
    weighed as (
        select
            neighbourhood_id,
            session_kind,
            duration_ms,
            loss,
            (1e15 / (duration_ms + if(loss = 'smooth', 1000, 0)))::bigint as weight,
            2 * sum(weight) over up_to as twice_up_to,
            sum(weight) over alike as total_weight,
            twice_up_to - weight >= total_weight as is_above,
            abs(
                total_weight + if(is_above, - weight, weight) - twice_up_to
            ) as twice_distance
        from members
        cross join (select unnest(['relative', 'smooth']) as loss)
        window
            alike as (partition by neighbourhood_id, loss),
            up_to as (partition by neighbourhood_id, loss order by place)
    ),
    -- the guess is the weighted median of the others: the first up to which they weigh
    -- half or more, so far before or after the segment's own place in the sorted
    -- weights
    guessed as (
        select
            neighbourhood_id,
            session_kind,
            duration_ms,
            loss,
            if(
                is_above,
                first_value(duration_ms) over (
                    by_weight
                    range between twice_distance preceding and unbounded following
                ),
                first_value(duration_ms) over (
                    by_weight
                    range between twice_distance following and unbounded following
                )
            ) as guess_ms,
            abs(guess_ms - duration_ms) as error_ms
        from weighed
        window by_weight as (partition by neighbourhood_id, loss order by twice_up_to)
        union all
        select
            neighbourhood_id,
            session_kind,
            duration_ms,
            'absolute',
            middle_ms,
            abs(middle_ms - duration_ms)
        from members
    ),
    errors as (
        select
            neighbourhood_id,
            {{ pooled("session_kind") }},
            count(*) filter (where loss = 'absolute') as segments,
            sum(error_ms) filter (where loss = 'absolute') as error_ms,
            sum((1e9 * error_ms / duration_ms)::hugeint) filter (
                where loss = 'relative'
            ) as relative_errors,
            sum((1e9 * error_ms / (duration_ms + 1000))::hugeint) filter (
                where loss = 'smooth'
            ) as smooth_errors
        from guessed
        group by neighbourhood_id, grouping sets ((), (session_kind))
    )
select
    likeness,
    group_id,
    session_kind,
    concat_ws('/', prefix_bin, append_bin, output_bin) as bins,
    prefix_min_tokens,
    prefix_max_tokens,
    append_min_tokens,
    append_max_tokens,
    output_min_tokens,
    output_max_tokens,
    segments,
    durations[1].duration_ms as duration_min_ms,
    percentiles[1] as duration_p10_ms,
    percentiles[2] as duration_p50_ms,
    percentiles[3] as duration_p90_ms,
    durations[-1].duration_ms as duration_max_ms,
    error_ms::bigint as total_error_ms,
    (relative_errors / 1e9)::decimal(28, 9) as total_relative_error,
    (smooth_errors / 1e9)::decimal(28, 9) as total_smooth_error
from neighbourhoods
inner join errors using (neighbourhood_id)
