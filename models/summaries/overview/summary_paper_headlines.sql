-- One row per cut and headline: the numbers that a paper cites, and the numbers that
-- they are made of.
with
    headlines as (
        select
            unnest(
                [
                    {'name':'timed_requests', 'mart':'requests'},
                    {'name':'steps_per_request', 'mart':'requests'},
                    {'name':'tool_calls_per_request', 'mart':'requests'},
                    {'name':'response_mean_s', 'mart':'requests'},
                    {'name':'response_p90_s', 'mart':'requests'},
                    {'name':'prefix_p50_tokens', 'mart':'steps'},
                    {'name':'append_p50_tokens', 'mart':'steps'},
                    {'name':'output_p50_tokens', 'mart':'steps'},
                    {'name':'decode_p50_tokens_per_s', 'mart':'steps'},
                    {'name':'after_reasoning_p50_tokens_per_s', 'mart':'steps'},
                    {'name':'first_token_residual_p50_s', 'mart':'steps'},
                    {'name':'tool_names', 'mart':'tool_calls'},
                    {'name':'top_3_tools_share', 'mart':'tool_calls'},
                    {'name':'minute_calls_share', 'mart':'tool_calls'},
                    {'name':'minute_calls_time_share', 'mart':'tool_calls'},
                    {'name':'hit_ratio', 'mart':'steps'},
                    {'name':'append_tokens', 'mart':'steps'},
                    {'name':'growth_tokens', 'mart':'steps'},
                    {'name':'growth_amplification', 'mart':'steps'}
                ],
                recursive := true
            )
    )
select provider, session_kind, model, mart, name, value, unit
from {{ ref("summary_overview") }}
inner join headlines using (name)
where trigger = 'all'
