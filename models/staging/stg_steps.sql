-- One row per step, its copies settled: the greatest usage, and the columns of the
-- copy that bears it.
with
    copies as not materialized(
        select
            raw_steps.* exclude (message_id),
            settled.message_id,
            settled.step_id,
            settled.step_session_id,
            settled.step_index,
            settled.usage_rank,
            settled.is_plain,
            settled.is_published
        from {{ source("raw", "steps") }} as raw_steps
        inner join
            {{ ref("stg_step_copies") }} as settled using (
                file_id, session_id, step_seq
            )
        where settled.step_id is not null
    ),
    usages as (
        select
            step_id,
            min(model) as model,
            min(usage_source) as usage_source,
            min(usage_is_final) as usage_is_final,
            bool_or(is_published) as is_published,
            min(purpose) as purpose,
            min(turn_id) as turn_id,
            min(calls) as calls,
            min(input_tokens) as input_tokens,
            min(context_tokens) as context_tokens,
            min(prefix_tokens) as prefix_tokens,
            min(input_tokens) - min(prefix_tokens) as append_tokens,
            min(cache_write_tokens) as cache_write_tokens,
            min(cache_write_5m_tokens) as cache_write_5m_tokens,
            min(cache_write_1h_tokens) as cache_write_1h_tokens,
            min(output_tokens) as output_tokens,
            min(reasoning_tokens) as reasoning_tokens,
            min(stop_reason) as stop_reason,
            min(service_tier) as service_tier,
            min(speed) as speed,
            min(effort) as effort,
            min(client_version) as client_version,
            min(context_window_tokens) as context_window_tokens
        from copies
        where usage_rank = 1 and not is_plain
        group by step_id
    ),
    copied as (
        select
            step_id,
            provider,
            message_id,
            step_session_id as session_id,
            step_index,
            max(visible_chars) as visible_chars
        from copies
        where not is_plain
        group by all
    ),
    steps as (
        select
            step_id,
            message_id,
            step_session_id as session_id,
            step_index,
            provider,
            model,
            purpose,
            turn_id,
            usage_source,
            usage_is_final,
            is_published,
            calls,
            input_tokens,
            context_tokens,
            prefix_tokens,
            input_tokens - prefix_tokens as append_tokens,
            cache_write_tokens,
            cache_write_5m_tokens,
            cache_write_1h_tokens,
            output_tokens,
            reasoning_tokens,
            visible_chars,
            stop_reason,
            service_tier,
            speed,
            effort,
            client_version,
            context_window_tokens
        from copies
        where is_plain
        union all by name
        select *
        from copied
        inner join usages using (step_id)
    )
select
    step_id,
    message_id,
    session_id,
    step_index,
    provider,
    {{ logged_name("model") }},
    purpose,
    turn_id,
    usage_source,
    calls,
    input_tokens,
    context_tokens,
    prefix_tokens,
    append_tokens,
    cache_write_tokens,
    cache_write_5m_tokens,
    cache_write_1h_tokens,
    output_tokens,
    reasoning_tokens,
    visible_chars,
    -- a response streamed over several rows may never get its last count; the usage
    -- rows of other logs are final, and a published row says so itself
    case
        when is_published
        then usage_is_final
        when usage_source = 'none' or output_tokens is null
        then false
        when usage_source <> 'response' or stop_reason is not null
        then true
        else output_tokens > 8 and output_tokens * 12 >= visible_chars
    end as usage_is_final,
    stop_reason,
    service_tier,
    speed,
    effort,
    {{ logged_name("client_version") }},
    context_window_tokens
from steps
