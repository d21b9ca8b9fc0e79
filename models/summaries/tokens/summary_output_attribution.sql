-- One row per cut and least output: whether the previous step's output comes back in
-- the prefix (kept in the cache) or in the append (sent again).
with
    pairs as (
        select
            *,
            unnest([2000, 4000]) as min_output_tokens,
            greatest(512, 0.1 * previous_output_tokens) as tolerance_tokens
        from {{ ref("sim_output_pairs") }}
    ),
    judged as (
        select
            *,
            append_tokens - output_tokens as append_minus_output,
            gain_tokens - output_tokens as gain_minus_output,
            abs(gain_minus_output) <= tolerance_tokens as is_close,
            gain_minus_output < - tolerance_tokens as is_reject,
            append_minus_output >= - tolerance_tokens as can_hold,
            is_reject and can_hold as is_side,
            log2(output_tokens) as log_output
        from pairs
        where previous_output_tokens >= min_output_tokens
    ),
    attributed as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            {{ pooled("trigger") }},
            min_output_tokens::bigint as min_output_tokens,
            count(output_tokens) as pairs,
            count(*) filter (where is_multi_call) as multi_call_pairs,
            count(*) filter (where is_placeholder) as placeholder_pairs,
            count_if(is_close) / nullif(pairs, 0) as prefix_close_share,
            count_if(is_reject) / nullif(pairs, 0) as prefix_reject_share,
            count_if(can_hold) / nullif(pairs, 0) as append_can_hold_share,
            count_if(is_side) / nullif(pairs, 0) as append_side_share,
            count_if(is_close and can_hold)
            / nullif(pairs, 0) as prefix_close_append_can_hold_share,
            count_if(not is_close and not is_side)
            / nullif(pairs, 0) as unassigned_share,
            median(output_tokens) as output_p50_tokens,
            median(append_tokens) as append_p50_tokens,
            median(gain_tokens) as prefix_gain_p50_tokens,
            quantile_cont(append_minus_output, [0.1, 0.5, 0.9]) as append_minus_output,
            median(gain_minus_output) as prefix_gain_minus_output_p50_tokens,
            -- in one order, or the last digits would hang on threads and names
            corr(
                log_output,
                log2(greatest(append_tokens, 1))
                order by output_tokens, append_tokens
            ) as output_append_correlation,
            corr(
                log_output,
                log2(greatest(gain_tokens, 1))
                order by output_tokens, gain_tokens
            ) as output_prefix_gain_correlation
        from judged
        group by {{ cuts() }}, grouping sets ((), (trigger)), min_output_tokens
    )
select
    provider,
    session_kind,
    model,
    trigger,
    min_output_tokens,
    pairs,
    multi_call_pairs,
    placeholder_pairs,
    case
        when pairs < 50
        then 'not_sure'
        when prefix_close_share >= 0.7 and append_side_share <= 0.2
        then 'prefix_side'
        when append_side_share >= 0.7 and prefix_close_share <= 0.2
        then 'append_side'
        when prefix_close_share >= 0.3 and append_side_share >= 0.3
        then 'mixed'
        else 'not_sure'
    end as decision,
    case
        when decision = 'not_sure'
        then 'weak'
        when decision = 'mixed'
        then if(pairs >= 100, 'strong', 'moderate')
        when pairs >= 300 and (prefix_close_share >= 0.8 or append_side_share >= 0.9)
        then 'very_strong'
        else 'strong'
    end as decision_strength,
    prefix_close_share,
    prefix_reject_share,
    append_can_hold_share,
    append_side_share,
    prefix_close_append_can_hold_share,
    unassigned_share,
    output_p50_tokens,
    append_p50_tokens,
    prefix_gain_p50_tokens,
    append_minus_output[1] as append_minus_output_p10_tokens,
    append_minus_output[2] as append_minus_output_p50_tokens,
    append_minus_output[3] as append_minus_output_p90_tokens,
    prefix_gain_minus_output_p50_tokens,
    -- of two pairs it is 1 or -1, and comes out a trace beyond
    round(nullif(output_append_correlation, 'nan'), 12) as output_append_correlation,
    round(
        nullif(output_prefix_gain_correlation, 'nan'), 12
    ) as output_prefix_gain_correlation
from attributed
