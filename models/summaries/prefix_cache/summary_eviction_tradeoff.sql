-- One row per cut, measure of the gap and timeout: what a cache that drops a prefix
-- after it would serve, compute anew and hold.
with
    timeouts as (
        select bin, high as timeout_s, coalesce(high * 1000, 'infinity') as timeout_ms
        from {{ ref("bins") }}
        where grid = 'eviction_s'
    ),
    covered as (
        select
            gaps.provider,
            gaps.session_kind,
            unnest(['causal', 'published']) as gap_measure,
            unnest([gaps.idle_gap_ms, published_gap_ms]) as gap_ms,
            input_tokens,
            reuse.prefix_tokens,
            reuse.append_tokens,
            fresh_tokens
        from {{ ref("cache_reuse") }} as reuse
        inner join {{ ref("idle_gaps") }} as gaps using (step_id)
        where reuse.trigger <> 'none' and input_tokens > 0 and fresh_tokens is not null
    ),
    -- by the shortest timeout that outlasts the gap
    binned as (
        select
            provider,
            session_kind,
            gap_measure,
            bin,
            count(*) as steps,
            sum(gap_ms) as gap_ms,
            sum(input_tokens) as input_tokens,
            sum(prefix_tokens) as prefix_tokens,
            sum(append_tokens) as append_tokens,
            sum(fresh_tokens) as fresh_tokens
        from covered
        asof join timeouts on gap_ms <= timeout_ms
        group by all
    ),
    active as (
        select provider, session_kind, sum(generation_ms) as active_ms
        from {{ ref("steps") }}
        group by all
    ),
    -- each has every timeout; what is active stands with the first
    filled as (
        select * replace (if(bin = 0, active_ms, 0) as active_ms)
        from active
        cross join (select unnest(['causal', 'published']) as gap_measure)
        cross join timeouts
        left join binned using (provider, session_kind, gap_measure, bin)
    ),
    counted as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            gap_measure,
            bin,
            timeout_s,
            coalesce(sum(steps), 0) as steps,
            coalesce(sum(gap_ms), 0) as gap_ms,
            coalesce(sum(input_tokens), 0) as input_tokens,
            coalesce(sum(prefix_tokens), 0) as prefix_tokens,
            coalesce(sum(append_tokens), 0) as append_tokens,
            coalesce(sum(fresh_tokens), 0) as fresh_tokens,
            coalesce(sum(active_ms), 0) as active_ms
        from filled
        group by {{ cuts(by_model=false) }}, gap_measure, bin, timeout_s
    ),
    swept as (
        select
            provider,
            session_kind,
            gap_measure,
            bin,
            timeout_s,
            sum(steps) over cut as all_steps,
            sum(input_tokens) over cut as all_input,
            sum(prefix_tokens) over cut as all_prefix,
            sum(append_tokens) over cut as all_append,
            sum(fresh_tokens) over cut as all_fresh,
            sum(active_ms) over cut as all_active_ms,
            sum(input_tokens - fresh_tokens) over until as served,
            -- a prefix lies idle until it is used again or dropped
            sum(gap_ms) over until
            + 1000 * timeout_s * (all_steps - sum(steps) over until) as suspended_ms
        from counted
        window
            cut as (partition by provider, session_kind, gap_measure),
            until as (partition by provider, session_kind, gap_measure order by bin)
    ),
    rated as (
        select
            provider,
            session_kind,
            gap_measure,
            bin,
            timeout_s,
            all_steps::bigint as steps,
            served / nullif(all_input, 0) as achievable_hit_ratio,
            (all_input - served) / nullif(all_fresh, 0) as ideal_amplification,
            1 - all_fresh / nullif(all_input - served, 0) as redundant_share,
            all_fresh / nullif(all_input, 0) as fresh_share,
            1 - fresh_share as optimal_hit_ratio,
            all_prefix / nullif(all_input, 0) as hit_ratio,
            all_append / nullif(all_fresh, 0) as observed_amplification,
            suspended_ms / nullif(all_active_ms, 0) as suspended_to_active_ratio,
            1 / (1 + suspended_to_active_ratio) as active_share
        from swept
        where timeout_s is not null
    ),
    -- how far the curve of hit ratio by idle time held stands above the straight line
    -- from its first to its last timeout
    bowed as (
        select
            *,
            (achievable_hit_ratio - min(achievable_hit_ratio) over cut) / nullif(
                max(achievable_hit_ratio) over cut - min(achievable_hit_ratio) over cut,
                0
            )
            - (suspended_to_active_ratio - min(suspended_to_active_ratio) over cut)
            / nullif(
                max(suspended_to_active_ratio) over cut
                - min(suspended_to_active_ratio) over cut,
                0
            ) as bow
        from rated
        window cut as (partition by provider, session_kind, gap_measure)
    )
select
    provider,
    session_kind,
    gap_measure,
    timeout_s,
    steps,
    achievable_hit_ratio,
    ideal_amplification,
    redundant_share,
    fresh_share,
    optimal_hit_ratio,
    hit_ratio,
    observed_amplification,
    -- the timeout that would have served what was served
    arg_min(timeout_s, (abs(achievable_hit_ratio - hit_ratio), bin)) filter (
        where achievable_hit_ratio is not null
    ) over cut as effective_eviction_s,
    arg_max(timeout_s, (bow, - bin)) filter (where bow > 0) over cut as knee_s,
    suspended_to_active_ratio,
    active_share
from bowed
window cut as (partition by provider, session_kind, gap_measure)
