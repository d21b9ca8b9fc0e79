-- METRICS §42: of the tokens appended, how many were new.
select
    scope,
    published_trigger as trigger,
    steps as events,
    append_tokens as total_append_tokens,
    growth_tokens as total_context_growth_tokens,
    previous_output_tokens as total_prior_output_tokens,
    published_fresh_tokens as total_fresh_tokens,
    published_fresh_share as fresh_pct_of_append
from cells
inner join
    summary_redundant_prefill as prefill
    on replace(scope, 'merged', 'all') = provider
    and session_kind = 'all'
    and model = 'all'
    and cells.trigger = prefill.trigger
