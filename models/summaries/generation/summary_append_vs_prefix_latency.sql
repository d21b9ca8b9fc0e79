-- One row per bucket of like segments, per provider and model, per provider, and all,
-- the last two also by kind of session:
-- whether those that append much are slower than those that read much from the cache.
-- Long, since a cut of several buckets is scored as one bucket is.
with
    segments as (
        select
            *,
            prefix_tokens + append_tokens as total_tokens,
            append_tokens / nullif(total_tokens, 0) as append_share,
            total_tokens >= 4096 and duration_ms >= 50 as is_sized,
            -- alike: a quarter octave of input, half an octave of output; -1 is none
            floor(log2(greatest(total_tokens, 0.9)) / 0.25)::bigint as total_bin,
            floor(log2(greatest(output_tokens, 0.9)) / 0.5)::bigint as output_bin
        from
            (
                select * replace (unnest(['all', session_kind]) as session_kind)
                from {{ ref("sim_timing_segments") }}
            )
        where is_usable and segment_kind in ('user_to_tool_call', 'tool_to_tool_call')
    ),
    limits as (
        select group_id, session_kind, quantile_cont(duration_ms, 0.99) as longest_ms
        from segments
        where is_sized
        group by group_id, session_kind
    ),
    classed as (
        select
            *,
            is_sized and duration_ms > longest_ms as is_long,
            case
                when not is_sized or is_long
                then null
                when append_share >= 0.25 and append_tokens >= 1024
                then 'append'
                when append_share <= 0.1 and prefix_tokens >= 4096
                then 'prefix'
            end as heavy
        from segments
        left join limits using (group_id, session_kind)
    ),
    totals as (
        select
            {{ pooled("provider") }},
            session_kind,
            {{ pooled("model") }},
            count(*) as segments,
            count(*) filter (where not is_sized) as small_segments,
            count(*) filter (where is_long) as trimmed_segments,
            count(*) filter (where heavy = 'prefix') as prefix_heavy_segments,
            count(*) filter (where heavy = 'append') as append_heavy_segments
        from classed
        group by grouping sets ((), (provider), (provider, model)), session_kind
        having session_kind = 'all' or grouping(model) = 1
    ),
    buckets as (
        select
            group_id,
            session_kind,
            total_bin,
            output_bin,
            row(
                provider,
                session_kind,
                model,
                segment_kind,
                total_bin::varchar,
                output_bin::varchar
            ) as bucket,
            median(total_tokens) as total_p50_tokens,
            median(output_tokens) as output_p50_tokens,
            median(append_share) filter (
                where heavy = 'prefix'
            ) as prefix_append_share_p50,
            median(append_share) filter (
                where heavy = 'append'
            ) as append_append_share_p50,
            median(duration_ms) filter (where heavy = 'prefix') as prefix_p50_ms,
            median(duration_ms) filter (where heavy = 'append') as append_p50_ms
        from classed
        where heavy is not null
        group by
            group_id, provider, session_kind, model, segment_kind, total_bin, output_bin
        having
            count(*) filter (where heavy = 'prefix') >= 5
            and count(*) filter (where heavy = 'append') >= 5
    ),
    -- each bucket by itself, and in the cuts it belongs to
    cuts as (
        select
            *,
            dense_rank() over (order by bucket) as bucket_id,
            dense_rank() over (order by cut) as cut_id
        from
            (
                select
                    *,
                    unnest(
                        [
                            bucket,
                            row(bucket[1], bucket[2], bucket[3], 'all', 'all', 'all'),
                            row(bucket[1], bucket[2], 'all', 'all', 'all', 'all'),
                            row('all', bucket[2], 'all', 'all', 'all', 'all')
                        ]
                    ) as cut
                from buckets
            )
    ),
    -- times in units of the bucket's median of those that read much; running counts
    -- would cost ten times these ranks
    ranked as (
        select
            cut_id,
            heavy,
            duration_ms / prefix_p50_ms as ratio,
            count_if(heavy = 'prefix') over cut as prefix_segments,
            count_if(heavy = 'append') over cut as append_segments,
            rank() over (partition by cut_id, heavy order by ratio desc)
            - 1 as slower_alike,
            rank() over (cut order by ratio desc) - 1 - slower_alike as slower_others,
            -- of a threshold here: at or below it the prefix is heavy, above it the
            -- append
            (prefix_segments - if(heavy = 'prefix', slower_alike, slower_others))
            / prefix_segments as prefix_recall,
            if(heavy = 'append', slower_alike, slower_others)
            / append_segments as append_recall,
            (prefix_recall + append_recall) / 2 as accuracy
        from classed
        inner join cuts using (group_id, session_kind, total_bin, output_bin)
        where heavy is not null
        window cut as (partition by cut_id)
    ),
    scored as (
        select
            cut_id,
            any_value(prefix_segments) as prefix_segments,
            any_value(append_segments) as append_segments,
            any_value(prefix_segments * append_segments) as pairs,
            -- pairs whose append-heavy segment is slower, ties as half
            sum(if(heavy = 'prefix', slower_others, prefix_segments - slower_others))
            / 2 as slower_pairs,
            max(accuracy) as accuracy,
            arg_max([ratio, prefix_recall, append_recall], (accuracy, - ratio)) as best
        from ranked
        group by cut_id
    ),
    own as (
        select bucket_id, scored.*
        from scored
        inner join cuts using (cut_id)
        where cut = bucket
    ),
    pooled as (
        select
            cuts.cut_id,
            any_value(cut) as cut,
            count(*) as buckets,
            count(*) filter (where append_p50_ms > prefix_p50_ms) as slower_buckets,
            sum(own.pairs) as pairs,
            sum(slower_pairs) / sum(own.pairs) as slower_probability,
            median(append_p50_ms / prefix_p50_ms) as p50_ratio,
            sum((accuracy * 1e12)::hugeint * (prefix_segments + append_segments))
            / 1e12
            / sum(prefix_segments + append_segments) as bucket_accuracy
        from cuts
        inner join own using (bucket_id)
        group by cuts.cut_id
    )
select
    coalesce(cut[1], totals.provider) as provider,
    coalesce(cut[2], totals.session_kind) as session_kind,
    case when cut is null then totals.model else cut[3] end as model,
    coalesce(cut[4], 'all') as segment_kind,
    coalesce(cut[5], 'all') as total_bin,
    coalesce(cut[6], 'all') as output_bin,
    segments,
    small_segments,
    trimmed_segments,
    prefix_heavy_segments,
    append_heavy_segments,
    coalesce(pooled.buckets, 0) as buckets,
    coalesce(slower_buckets, 0) as slower_buckets,
    coalesce(prefix_segments, 0)::bigint as matched_prefix_segments,
    coalesce(append_segments, 0)::bigint as matched_append_segments,
    coalesce(pooled.pairs, 0)::bigint as pairs,
    total_p50_tokens,
    output_p50_tokens,
    prefix_append_share_p50,
    append_append_share_p50,
    prefix_p50_ms / 1000 as prefix_p50_s,
    append_p50_ms / 1000 as append_p50_s,
    p50_ratio,
    slower_probability,
    2 * slower_probability - 1 as cliffs_delta,
    bucket_accuracy,
    slower_pairs / scored.pairs as normalized_slower_probability,
    accuracy as normalized_accuracy,
    case when accuracy > 0.5 then best[1] end as normalized_threshold,
    case when accuracy > 0.5 then best[2] end as prefix_recall,
    case when accuracy > 0.5 then best[3] end as append_recall,
    case
        when pooled.buckets is null
        then 'inconclusive'
        when slower_probability >= 0.8 and accuracy >= 0.75 and p50_ratio >= 1.5
        then 'separated'
        when slower_probability > 0.6
        then 'slower'
        else 'rejected'
    end as verdict
from pooled
inner join scored using (cut_id)
left join buckets on cut = bucket
full join
    totals
    on cut
    = row(totals.provider, totals.session_kind, totals.model, 'all', 'all', 'all')
-- no model's rows by kind of session
where cut is null or cut[2] = 'all' or cut[3] = 'all'
