-- METRICS §42: of the tokens appended, how many were new.
with
    pairs as (
        select
            steps.provider,
            steps.trigger,
            steps.append_tokens,
            greatest(context_growth_tokens, 0) as growth_tokens,
            previous_output_tokens,
            published_fresh_tokens
        from steps
        inner join cache_reuse using (step_id)
        where steps.previous_step_id is not null and steps.trigger in ('user', 'tool')
    )
select
    scope,
    published_trigger as trigger,
    count(pairs.trigger) as events,
    coalesce(sum(append_tokens), 0) as total_append_tokens,
    coalesce(sum(growth_tokens), 0) as total_context_growth_tokens,
    coalesce(sum(previous_output_tokens), 0) as total_prior_output_tokens,
    coalesce(sum(published_fresh_tokens), 0) as total_fresh_tokens,
    sum(published_fresh_tokens) / sum(append_tokens) as fresh_pct_of_append
from cells
left join
    pairs on scope in ('merged', provider) and cells.trigger in ('all', pairs.trigger)
group by scope, cells.trigger, published_trigger
