-- What was planted in a corpus, counted in the warehouse: one row per provider.
with
    held as (
        select provider, count(*) as files, sum(size_bytes) as bytes
        from raw.files
        where status = 'loaded'
        group by provider
    ),
    step_totals as (
        select
            provider,
            count(*) as steps,
            sum(input_tokens) as input_tokens_total,
            sum(prefix_tokens) as prefix_tokens,
            sum(append_tokens) as newly_append_tokens,
            sum(output_tokens) as output_tokens,
            sum(reasoning_tokens) as reasoning_output_tokens
        from steps
        group by provider
    ),
    call_totals as (
        select
            provider,
            count(*) as tool_calls,
            count(*) filter (where is_error) as tool_errors,
            count(result_at) as tool_results,
            sum(effective_ms) as effective_latency_ms,
            sum(wall_ms) as wall_latency_ms
        from tool_calls
        group by provider
    )
select *
from step_totals
inner join call_totals using (provider)
inner join held using (provider)
