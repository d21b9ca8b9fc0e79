-- A message is one step; prefix and append are the input; fresh, resent and missed are
-- the append; costs add up; no gap, span or wait is negative; cache_reuse, idle_gaps
-- and requests miss no step.
select 'a message is one step' as rule, min(step_id) as step_id
from {{ ref("steps") }}
where not {{ var("include_replays") }}
group by provider, message_id
having count(*) > 1
union all
select 'prefix + append = input', step_id
from {{ ref("steps") }}
where prefix_tokens + append_tokens is distinct from input_tokens
union all
select 'cost = append + prefix + output', step_id
from {{ ref("steps") }}
where append_cost_usd + prefix_cost_usd + output_cost_usd is distinct from cost_usd
union all
select 'spans are above 0', step_id
from {{ ref("steps") }}
where
    least(generation_ms, input_to_reasoning_end_ms, post_reasoning_ms, human_wait_ms)
    < 0
union all
select 'ready before the first output, first before the last', step_id
from {{ ref("steps") }}
where ready_at > first_output_at or first_output_at > last_output_at
union all
select 'append = fresh + resent + missed, none below 0', step_id
from {{ ref("cache_reuse") }}
where
    fresh_tokens + resent_output_tokens + missed_tokens <> append_tokens
    or least(fresh_tokens, resent_output_tokens, missed_tokens) < 0
    or (missed_tokens is null) <> (miss_cause is null)
union all
select 'no gap is negative', step_id
from {{ ref("idle_gaps") }}
where least(idle_gap_ms, published_gap_ms, activity_gap_ms) < 0
union all
select 'each step once in cache_reuse', coalesce(steps.step_id, cache_reuse.step_id)
from {{ ref("steps") }} as steps
full join {{ ref("cache_reuse") }} as cache_reuse using (step_id)
where steps.step_id is null or cache_reuse.step_id is null
union all
select 'in idle_gaps with a step before it', coalesce(steps.step_id, idle_gaps.step_id)
from (select * from {{ ref("steps") }} where previous_step_id is not null) as steps
full join {{ ref("idle_gaps") }} as idle_gaps using (step_id)
where steps.step_id is null or idle_gaps.step_id is null
union all
select 'each request where one opens', coalesce(steps.step_id, requests.request_id)
from (select * from {{ ref("steps") }} where message_at is not null) as steps
full join
    {{ ref("requests") }} as requests
    on steps.request_id = requests.request_id
    and steps.message_at = requests.started_at
where steps.step_id is null or requests.request_id is null
