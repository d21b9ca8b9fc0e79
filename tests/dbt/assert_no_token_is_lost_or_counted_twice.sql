-- The fullest copy of each message in raw is a step, but for those that may be let go;
-- steps add up to sessions, and those of requests to requests.
with
    copies as not materialized(
        select
            raw_steps.*,
            settled.message_id as settled_message_id,
            settled.step_session_id
        from {{ source("raw", "steps") }} as raw_steps
        inner join
            {{ ref("stg_step_copies") }} as settled using (
                file_id, session_id, step_seq, provider
            )
        -- copied usage rows and steps without usage may go, no other
        where
            step_id is not null
            or usage_source in ('response', 'record')
            or (usage_source = 'token_count' and not is_inherited and replay_of is null)
    ),
    -- most messages stand once: only the others are ranked
    repeated as (
        select provider, message_id
        from {{ source("raw", "steps") }}
        group by all
        having count(*) > 1
    ),
    winners as (
        select *
        from copies
        anti join repeated using (provider, message_id)
        union all
        select *
        from copies
        semi join repeated using (provider, message_id)
        qualify
            row_number() over (
                partition by
                    provider,
                    settled_message_id
                    {% if var("include_replays") %}, step_session_id {% endif %}
                order by
                    output_tokens desc nulls last,
                    input_tokens desc nulls last,
                    stop_reason is not null desc,
                    reasoning_tokens desc nulls last,
                    cache_write_1h_tokens desc nulls last,
                    cache_write_5m_tokens desc nulls last,
                    prefix_tokens
            )
            = 1
    ),
    counted as (
        select
            'raw' as place,
            1 as steps,
            input_tokens,
            prefix_tokens,
            append_tokens,
            output_tokens,
            reasoning_tokens,
            cache_write_tokens
        from winners
        union all
        select
            'steps',
            1,
            input_tokens,
            prefix_tokens,
            append_tokens,
            output_tokens,
            reasoning_tokens,
            cache_write_tokens
        from {{ ref("steps") }}
        union all
        select
            'sessions',
            steps,
            input_tokens,
            prefix_tokens,
            append_tokens,
            output_tokens,
            null,
            null
        from {{ ref("sessions") }}
        union all
        select
            'requests',
            steps,
            input_tokens,
            prefix_tokens,
            append_tokens,
            output_tokens,
            null,
            null
        from {{ ref("requests") }}
        union all
        select
            'requests',
            1,
            input_tokens,
            prefix_tokens,
            append_tokens,
            output_tokens,
            null,
            null
        from {{ ref("steps") }}
        where request_id is null
    ),
    sums as (
        select
            place,
            sum(steps) as steps,
            sum(input_tokens) as input_tokens,
            sum(prefix_tokens) as prefix_tokens,
            sum(append_tokens) as append_tokens,
            sum(output_tokens) as output_tokens,
            sum(reasoning_tokens) as reasoning_tokens,
            sum(cache_write_tokens) as cache_write_tokens
        from counted
        group by place
    )
select sums.*
from sums
inner join
    (select * from sums where place = 'raw') as raw
    on (
        raw.steps,
        raw.input_tokens,
        raw.prefix_tokens,
        raw.append_tokens,
        raw.output_tokens
    ) is distinct from (
        sums.steps,
        sums.input_tokens,
        sums.prefix_tokens,
        sums.append_tokens,
        sums.output_tokens
    )
    -- sessions and requests do not have these
    or (
        sums.place = 'steps'
        and (raw.reasoning_tokens, raw.cache_write_tokens)
        is distinct from (sums.reasoning_tokens, sums.cache_write_tokens)
    )
