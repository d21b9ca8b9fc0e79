-- One row per main session that goes on from a copied history and lost it from the
-- cache by that alone: what its first step read anew.
with
    steps as (select * from {{ ref("steps") }}),
    -- the two steps between which a client was closed and its session resumed
    pairs as (
        select
            firsts.session_id,
            firsts.step_id,
            firsts.ready_at,
            firsts.append_tokens,
            firsts.append_cost_usd,
            origins.session_id as origin_session_id,
            origins.step_id as origin_step_id,
            origins.step_index as origin_step_index,
            origins.last_output_at,
            origins.context_tokens as origin_context_tokens,
            origins.visible_output_tokens,
            {{ ms_between("origins.last_output_at", "firsts.ready_at") }}
            as idle_gap_ms,
            firsts.context_tokens - origins.context_tokens as growth_tokens,
            least(
                greatest(growth_tokens - origins.output_tokens, 0), firsts.append_tokens
            ) as fresh_tokens
        from {{ ref("sessions") }} as sessions
        inner join steps as firsts using (session_id)
        inner join steps as origins on forked_from_step_id = origins.step_id
        where
            sessions.session_kind = 'main'
            and firsts.step_index = 0
            and firsts.purpose is null
            and origins.purpose is null
            and firsts.calls = 1
            and origins.calls = 1
            and firsts.model is not distinct from origins.model
            -- a prompt that fell as far was compacted, though no marker may say so
            and growth_tokens > -64000
            and growth_tokens - origins.output_tokens is not null
    ),
    -- what a session last wrote to the cache lives as long as it was written for
    writes as (
        select
            pairs.session_id,
            arg_max(
                cache_write_1h_tokens > 0 and coalesce(cache_write_5m_tokens, 0) = 0,
                step_index
            ) as wrote_for_an_hour
        from pairs
        inner join
            steps
            on origin_session_id = steps.session_id
            and step_index <= origin_step_index
        where cache_write_tokens > 0
        group by pairs.session_id
    ),
    -- from there on the origin's compactions are no part of the copied history
    went_on as (
        select pairs.session_id, min(steps.first_output_at) as went_on_at
        from pairs
        inner join
            steps
            on origin_session_id = steps.session_id
            and step_index > origin_step_index
            and purpose is null
        group by pairs.session_id
    ),
    compacted as (
        select pairs.session_id
        from pairs
        left join went_on using (session_id)
        inner join
            {{ ref("compactions") }} as compactions
            on pairs.step_id = compactions.step_id
            or (
                origin_session_id = compactions.session_id
                and compacted_at between last_output_at and least(ready_at, went_on_at)
            )
    ),
    lived as (
        select
            *,
            if(
                wrote_for_an_hour,
                {{ var("cache_lifetime_1h_ms") }},
                {{ var("cache_lifetime_5m_ms") }}
            ) as cache_lifetime_ms,
            append_tokens - fresh_tokens as not_fresh_tokens,
            not_fresh_tokens
            - least(not_fresh_tokens, visible_output_tokens) as missed_tokens
        from pairs
        left join writes using (session_id)
        anti join compacted using (session_id)
        where idle_gap_ms between 0 and cache_lifetime_ms
    )
select
    session_id,
    step_id,
    origin_step_id,
    idle_gap_ms,
    cache_lifetime_ms::bigint as cache_lifetime_ms,
    missed_tokens,
    (
        missed_tokens * append_cost_usd / append_tokens
        - {{ usd("missed_tokens", "read_usd_per_mtok") }}
    )::decimal(18, 12) as missed_cost_usd
from lived
left join
    (select step_id, read_usd_per_mtok from {{ ref("cache_reuse") }}) using (step_id)
where missed_tokens > 1024 and missed_tokens > 0.02 * origin_context_tokens
