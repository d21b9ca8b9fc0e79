"""What the numbers that compare with published ones are over, row by row: how else could they be drawn again?

`tracelab.compare` needs, for a number, the rows behind it and the conversation that each belongs to. A test
holds every measure here against the number in its summary, so that the two cannot drift apart.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Measure(NamedTuple):
    """A number as a sum, mean, share, ratio or percentile of an expression over rows.

    `{}` in an expression is the figure's dimension value (`all` without one), which then filters no rows.
    """

    rows: str
    """Which of `ROWS`."""
    value: str
    """What is added up, or what the percentile is of."""
    base: str = "1"
    """What a share or ratio divides by."""
    of_all: bool = False
    """Whether the base takes all rows of the client, whatever the dimension."""
    where: str = "true"


ROWS: Mapping[str, str] = {
    "steps": """
        select
            cluster, provider, session_id, request_id, step_index, purpose, model, trigger, calls,
            input_tokens, context_tokens,
            prefix_tokens, append_tokens, output_tokens, reasoning_tokens, visible_output_tokens,
            usage_is_final, hit_ratio, generation_ms, visible_span_ms, post_reasoning_ms,
            input_to_reasoning_end_ms,
            previous_step_id, previous_model, previous_calls, previous_input_tokens, previous_output_tokens,
            previous_usage_is_final, context_growth_tokens, inferred_pre_tokens, human_wait_ms,
            human_waits_ms, user_messages, tool_calls, tool_results, reasoning_events, text_events,
            usage_reports,
            append_cost_usd, prefix_cost_usd, output_cost_usd, cost_usd,
            fresh_tokens, published_fresh_tokens, idle_gap_ms, published_gap_ms, listed_gap_ms,
            trigger <> 'none' as is_started,
            is_started and published_fresh_tokens is not null and fresh_tokens is not null as is_pair,
            usage_is_final is not false and generation_ms > 0 and output_tokens > 0 as has_speed,
            trigger = 'user' and previous_step_id is not null as is_resumed,
            if(is_resumed and pause_missed_tokens > 0, pause_missed_tokens, 0) as saved_tokens,
            if(is_resumed and pause_missed_tokens > 0, pause_missed_cost_usd, 0) as saved_usd
        from steps
        join clusters using (root_session_id)
        join (
            select step_id, fresh_tokens, published_fresh_tokens, idle_gap_ms, pause_missed_tokens,
                pause_missed_cost_usd
            from cache_reuse
        ) using (step_id)
        left join (select step_id, published_gap_ms, listed_gap_ms from idle_gaps) using (step_id)
        """,
    "large_models": """
        select * replace (
            if((provider, model) in (
                select (provider, dimension_value) from compare_published where metric = 'step_share'
            ), model, 'other') as model
        )
        from rows_steps
        """,
    "pairs": "from rows_steps where previous_step_id is not null and is_started",
    "sizes": """
        select *, lag(context_tokens ignore nulls) over (
            partition by session_id order by step_index
        ) as before_tokens
        from rows_steps where purpose is null
        """,
    "step_times": """
        select
            cluster, provider, coalesce(generation_ms, 0) as generation_ms, coalesce(tool_ms, 0) as tool_ms,
            coalesce(generation_ms, 0) + coalesce(tool_ms, 0) as all_ms
        from steps
        join clusters using (root_session_id)
        left join (
            select step_id, sum(effective_ms) as tool_ms from tool_calls group by step_id
        ) using (step_id)
        """,
    "prefix_bins": """
        select cluster, provider, append_tokens, low::int::varchar as prefix_low_tokens
        from rows_steps
        asof join (select low from seeds.bins where grid = 'prefix_tokens') on prefix_tokens >= low
        where calls = 1
        """,
    "first_tokens": """
        select *, input_to_reasoning_end_ms / 1000 - reasoning_tokens / (
            select value from summary_overview where name = 'after_reasoning_mean_tokens_per_s'
            and provider = 'codex' and session_kind = 'all' and model = 'all' and trigger = 'all'
        ) as residual_s
        from rows_steps where reasoning_tokens > 0 and usage_is_final is not false and provider = 'codex'
        """,
    "speeds": """
        select
            cluster, provider,
            if(calls = 1, floor(log2(nullif(context_tokens, 0)))::bigint::varchar, null) as context_bin,
            has_speed and context_tokens > 0 as has_context,
            has_context and reasoning_tokens > 0 and visible_output_tokens > 0
            and post_reasoning_ms >= 100 as has_pace,
            try_cast(
                if(has_context, 1000 * output_tokens / generation_ms, null) as decimal(26, 12)
            ) as output_tokens_per_s,
            try_cast(
                if(has_pace, 1000 * visible_output_tokens / post_reasoning_ms, null) as decimal(26, 12)
            ) as decode_tokens_per_s,
            sum(if(has_pace, post_reasoning_ms, 0)) over (partition by provider)
            / sum(if(has_pace, visible_output_tokens, 0)) over (partition by provider) as ms_per_token,
            try_cast(
                if(has_pace, (input_to_reasoning_end_ms - reasoning_tokens * ms_per_token) / 1000, null)
                as decimal(26, 12)
            ) as first_token_s
        from rows_steps
        """,
    "attributions": """
        select
            cluster, provider, previous_model as model, append_tokens,
            previous_output_tokens as output_tokens,
            prefix_tokens - previous_input_tokens as gain_tokens,
            greatest(512, 0.1 * previous_output_tokens) as tolerance,
            abs(gain_tokens - previous_output_tokens) <= tolerance as is_close,
            gain_tokens - previous_output_tokens < -tolerance
            and append_tokens - previous_output_tokens >= -tolerance as is_side
        from rows_steps
        where is_started and previous_input_tokens > 0 and previous_output_tokens >= 2000
            and input_tokens is not null and listed_gap_ms between 0 and 240000
            and calls = 1 and previous_calls = 1 and previous_usage_is_final is not false
        """,
    "adjusted": """
        select *, append_tokens - if(
            provider = 'claude' or coalesce(previous_model = 'gpt-5.5', false), previous_output_tokens, 0
        ) as signed_tokens
        from rows_steps
        where previous_step_id is not null and append_tokens is not null
            and previous_output_tokens is not null and calls = 1 and previous_calls = 1
            and previous_usage_is_final is not false
        """,
    "one_call_steps": """
        select * replace (if(calls > 1, null, append_tokens) as append_tokens) from rows_steps
        """,
    "one_prompts": "from rows_steps where hit_ratio is not null",
    "fresh_pairs": "from rows_steps where is_pair",
    "hits": "from rows_steps where is_started and hit_ratio is not null and calls = 1",
    "covered": "from rows_steps where is_started and input_tokens > 0 and fresh_tokens is not null",
    "waits": """
        select cluster, provider, unnest(human_waits_ms) as wait_ms, wait_ms <= 300000 as within_5m,
            wait_ms <= 3600000 as within_1h
        from rows_steps
        """,
    "calls": """
        select
            cluster, tool_calls.*, coalesce(published_class_6, 'other') as published_6,
            coalesce(published_class_7, 'other') as published_7,
            case when effective_ms < 1000 then 0 when effective_ms < 10000 then 1
                when effective_ms < 60000 then 10 when effective_ms >= 60000 then 60 end::varchar as low_s
        from tool_calls
        join (select session_id, root_session_id from sessions) using (session_id)
        join clusters using (root_session_id)
        left join (
            select provider, tool_name, published_class_6, published_class_7 from seeds.tool_categories
        ) using (provider, tool_name)
        """,
    "top_calls": """
        select rows_calls.*, is_top
        from rows_calls
        join (
            select provider, tool_name, tool_name is not null and row_number() over (
                partition by provider order by tool_name is null, count(*) desc, tool_name
            ) <= 3 as is_top
            from tool_calls group by provider, tool_name
        ) as tools
        on rows_calls.provider = tools.provider and rows_calls.tool_name is not distinct from tools.tool_name
        """,
    "all_sessions": """
        select cluster, provider, replayed_steps from sessions join clusters using (root_session_id)
        """,
    "sessions": """
        select cluster, sessions.*, coalesce(inferred, 0) as inferred
        from sessions join clusters using (root_session_id)
        left join (
            select session_id, count(*) as inferred from steps where inferred_pre_tokens is not null
            group by session_id
        ) using (session_id)
        where steps > 0
        """,
    "timed_sessions": """
        select *, wall_ms as all_ms, human_wait_ms as human_ms, tool_effective_ms as tool_ms
        from rows_sessions where wall_ms > 0
        """,
    "capped_sessions": """
        select * replace (
            human_wait_capped_ms as human_ms, human_wait_capped_ms + generation_ms + tool_ms as all_ms
        )
        from rows_timed_sessions
        """,
    "requests": """
        select cluster, requests.*, response_ms as all_ms, requests.tool_effective_ms as tool_ms
        from requests
        join (select session_id, root_session_id from sessions) using (session_id)
        join clusters using (root_session_id)
        where response_ms > 0
        """,
    "session_costs": """
        select
            cluster, provider, sum(cost_usd)::double as all_usd,
            sum(append_cost_usd)::double as append_usd, sum(prefix_cost_usd)::double as prefix_usd,
            sum(output_cost_usd)::double as output_usd
        from rows_steps group by cluster, provider, session_id
        """,
    "request_costs": """
        select
            cluster, provider, sum(cost_usd)::double as all_usd,
            sum(append_cost_usd)::double as append_usd, sum(prefix_cost_usd)::double as prefix_usd,
            sum(output_cost_usd)::double as output_usd
        from rows_steps
        semi join (select request_id from requests where response_ms > 0) using (request_id)
        group by cluster, provider, request_id
        """,
    "step_costs": """
        select *, cost_usd::double as all_usd, append_cost_usd::double as append_usd,
            prefix_cost_usd::double as prefix_usd, output_cost_usd::double as output_usd
        from rows_steps
        """,
}
"""Rows by name, each with its conversation (`cluster`), in an order in which each can read those before."""


_TOKENS = ("input_tokens", "prefix_tokens", "append_tokens", "output_tokens", "reasoning_tokens")
_TIMES = {
    "session": "timed_sessions",
    "session_capped": "capped_sessions",
    "request": "requests",
    "step": "step_times",
}
_COUNTS = {"session": "sessions", "request": "requests", "step": "steps"}
_IS_COMPACTED = "(inferred_pre_tokens is not null)::int"
_MAJOR = "coalesce(before_tokens - context_tokens >= 64000 and user_messages + tool_results > 0, false)"
_GROWTH = {"positive": "> 0", "negative": "< 0", "major": "<= -64000"}

MEASURES: Mapping[str, Measure] = {
    # what no summary has in one piece
    "steps.step_share": Measure("large_models", "1", of_all=True),
    "steps.steps": Measure("steps", "1"),
    "steps.tool_calls": Measure("steps", "tool_calls"),
    "steps.tool_calls_per_step": Measure("steps", "tool_calls"),
    "steps.tool_call_steps_share": Measure("steps", "(tool_calls > 0)::int"),
    "steps.reasoning_share": Measure(
        "steps",
        "if(usage_is_final is not false, reasoning_tokens, null)",
        "if(usage_is_final is not false, output_tokens, null)",
    ),
    "steps.priced_step_share": Measure("steps", "(cost_usd is not null)::int"),
    "steps.reasoning_cost_usd": Measure(
        "steps", "output_cost_usd::double * reasoning_tokens / nullif(output_tokens, 0)"
    ),
    "steps.events": Measure(
        "steps",
        "{'all': user_messages + tool_calls + tool_results + reasoning_events + text_events + usage_reports,"
        " 'user_message': user_messages, 'tool_call': tool_calls, 'tool_result': tool_results,"
        " 'reasoning': reasoning_events, 'text': text_events, 'usage_report': usage_reports}['{}']",
    ),
    "sessions.no_human_wait_share": Measure("timed_sessions", "(human_wait_ms = 0)::int"),
    # summary_overview
    "summary_overview.steps": Measure("steps", "1"),
    "summary_overview.sessions": Measure("sessions", "1"),
    "summary_overview.replayed_steps": Measure("all_sessions", "replayed_steps"),
    **{f"summary_overview.{tokens}": Measure("steps", tokens) for tokens in _TOKENS},
    "summary_overview.input_to_output_ratio": Measure("steps", "input_tokens", "output_tokens"),
    "summary_overview.prefix_mean_tokens": Measure("steps", "if(calls = 1, prefix_tokens, null)"),
    "summary_overview.append_mean_tokens": Measure("steps", "if(calls = 1, append_tokens, null)"),
    "summary_overview.output_mean_tokens": Measure(
        "steps", "if(usage_is_final is not false, output_tokens, null)"
    ),
    "summary_overview.prefix_p50_tokens": Measure("steps", "if(calls = 1, prefix_tokens, null)"),
    "summary_overview.append_p50_tokens": Measure("steps", "if(calls = 1, append_tokens, null)"),
    "summary_overview.output_p50_tokens": Measure(
        "steps", "if(usage_is_final is not false, output_tokens, null)"
    ),
    "summary_overview.tool_call_steps": Measure("steps", "(tool_calls > 0)::int"),
    "summary_overview.priced_steps": Measure("steps", "(cost_usd is not null)::int"),
    "summary_overview.unpriced_steps": Measure(
        "steps", "(cost_usd is null and input_tokens is not null)::int"
    ),
    "summary_overview.hit_ratio": Measure(
        "steps", "if(calls = 1, prefix_tokens, null)", "if(calls = 1, input_tokens, null)"
    ),
    "summary_overview.growth_tokens": Measure("pairs", "greatest(context_growth_tokens, 0)"),
    "summary_overview.growth_amplification": Measure(
        "steps",
        "if(calls = 1, append_tokens, null)",
        "if(is_started, greatest(context_growth_tokens, 0), null)",
    ),
    "summary_overview.decode_p50_tokens_per_s": Measure(
        "steps", "if(has_speed, 1000 * output_tokens / generation_ms, null)"
    ),
    "summary_overview.after_reasoning_p50_tokens_per_s": Measure(
        "steps",
        "if(usage_is_final is not false and reasoning_tokens > 0 and visible_output_tokens > 0"
        " and visible_span_ms > 0, 1000 * visible_output_tokens / visible_span_ms, null)",
    ),
    "summary_overview.first_token_residual_p50_s": Measure("first_tokens", "residual_s"),
    "summary_overview.timed_requests": Measure("requests", "1"),
    "summary_overview.steps_per_request": Measure("requests", "steps"),
    "summary_overview.tool_calls_per_request": Measure("requests", "tool_calls"),
    "summary_overview.response_mean_s": Measure("requests", "response_ms / 1000"),
    "summary_overview.response_p90_s": Measure("requests", "response_ms / 1000"),
    "summary_overview.tool_calls": Measure("calls", "1"),
    "summary_overview.tool_errors": Measure("calls", "is_error::int"),
    "summary_overview.tool_error_share": Measure("calls", "is_error::int"),
    "summary_overview.tool_mean_s": Measure("calls", "effective_ms / 1000"),
    "summary_overview.minute_calls_share": Measure(
        "calls", "(effective_ms >= 60000)::int", "(effective_ms is not null)::int"
    ),
    "summary_overview.minute_calls_time_share": Measure(
        "calls", "if(effective_ms >= 60000, effective_ms, 0)", "effective_ms"
    ),
    "summary_overview.top_3_tools_share": Measure("top_calls", "is_top::int"),
    # sessions
    **{
        f"summary_session_counts.{metric}.{unit}": Measure(rows, metric)
        for unit, rows in _COUNTS.items()
        for metric in ("steps", "user_steps", "tool_steps", "tool_calls")
    },
    "summary_session_counts.requests.session": Measure("sessions", "timed_requests"),
    **{
        f"summary_input_growth.{bucket} share": Measure(
            "pairs", f"(context_growth_tokens {bounds})::int", "(context_growth_tokens is not null)::int"
        )
        for bucket, bounds in _GROWTH.items()
    },
    "summary_input_growth.positive": Measure(
        "pairs", "if(context_growth_tokens > 0, context_growth_tokens, null)"
    ),
    "summary_compactions.compactions": Measure("steps", _IS_COMPACTED),
    "summary_compactions.compaction_share": Measure("steps", _IS_COMPACTED, _IS_COMPACTED, of_all=True),
    "summary_compactions.major_reductions": Measure("sizes", f"({_MAJOR})::int"),
    "summary_compactions.share_of_major": Measure("sizes", _IS_COMPACTED, f"({_MAJOR})::int"),
    "summary_compactions.compactions_per_session": Measure("sessions", "inferred"),
    "summary_compactions.compactions_per_session count": Measure("sessions", "1"),
    "summary_compactions.compactions_per_compacting_session": Measure(
        "sessions", "if(inferred > 0, inferred, null)"
    ),
    "summary_compactions.compactions_per_compacting_session count": Measure(
        "sessions", "(inferred > 0)::int"
    ),
    "summary_compactions.compactions_per_compacting_session share": Measure(
        "sessions", "(inferred > 0)::int"
    ),
    **{
        f"summary_cost_distribution.{unit}_cost_usd": Measure(f"{unit}_costs", "{}_usd", "all_usd")
        for unit in _COUNTS
    },
    **{
        f"summary_timing_distribution.{block}": Measure(rows, "{}_ms / 1000", "all_ms / 1000")
        for block, rows in _TIMES.items()
    },
    "summary_timing_distribution.session count": Measure("timed_sessions", "1"),
    "summary_timing_distribution.individual.human": Measure("waits", "wait_ms / 1000"),
    "summary_timing_distribution.individual.generation": Measure("steps", "generation_ms / 1000"),
    "summary_timing_distribution.individual.tool": Measure("calls", "effective_ms / 1000"),
    # people
    "summary_human_wait.wait_s": Measure("waits", "wait_ms / 1000"),
    "summary_human_wait.count_share": Measure("waits", "within_{}::int"),
    "summary_human_wait.time_share": Measure("waits", "if(within_{}, wait_ms, 0)", "wait_ms"),
    "summary_request_response_time.response_s": Measure("requests", "response_ms / 1000"),
    "summary_request_response_time.response_s count": Measure("requests", "1"),
    "summary_request_decomposition.response_share": Measure("requests", "{}_ms", "response_ms"),
    # tokens and generation
    "summary_token_lengths.prefix_tokens": Measure("steps", "if(calls > 1, null, prefix_tokens)"),
    "summary_token_lengths.append_tokens": Measure("steps", "if(calls > 1, null, append_tokens)"),
    "summary_token_lengths.output_tokens": Measure(
        "steps", "if(usage_is_final is not false, output_tokens, null)"
    ),
    "summary_output_tokens.output_tokens": Measure(
        "steps", "if(usage_is_final is not false, output_tokens, null)"
    ),
    "summary_prefix_append.step_share.<1000": Measure(
        "one_call_steps", "(append_tokens < 1000)::int", "(append_tokens is not null)::int"
    ),
    "summary_prefix_append.token_share.>=10000": Measure(
        "one_call_steps", "if(append_tokens >= 10000, append_tokens, 0)", "append_tokens"
    ),
    "summary_append_by_prefix_bin.append_tokens": Measure("prefix_bins", "append_tokens"),
    "summary_append_by_prefix_bin.append_tokens count": Measure("prefix_bins", "1"),
    "summary_generation_time.generation_s": Measure("steps", "generation_ms / 1000"),
    "summary_decode_speed.output_tokens_per_s": Measure("speeds", "output_tokens_per_s"),
    "summary_decode_speed.decode_tokens_per_s": Measure("speeds", "decode_tokens_per_s"),
    "summary_decode_speed.first_token_s": Measure("speeds", "first_token_s"),
    "summary_adjusted_append.append_tokens": Measure("adjusted", "append_tokens"),
    "summary_adjusted_append.adjusted_append_tokens": Measure("adjusted", "greatest(signed_tokens, 0)"),
    "summary_output_attribution.append_side_share": Measure("attributions", "is_side::int"),
    "summary_output_attribution.prefix_close_share": Measure("attributions", "is_close::int"),
    "summary_output_attribution.append_minus_output_p50_tokens": Measure(
        "attributions", "append_tokens - output_tokens"
    ),
    "summary_output_attribution.prefix_gain_p50_tokens": Measure("attributions", "gain_tokens"),
    "summary_output_attribution.output_p50_tokens": Measure("attributions", "output_tokens"),
    # tools
    "summary_tool_counts.tool_calls": Measure("calls", "1"),
    "summary_tool_latency.latency_s": Measure("calls", "effective_ms / 1000"),
    "summary_tool_latency.latency_s count": Measure("calls", "(effective_ms is not null)::int"),
    "summary_tool_latency_cdf.cumulative_share": Measure(
        "calls", "(effective_ms < 1000 * {})::int", "(effective_ms is not null)::int"
    ),
    "summary_tool_latency_cdf.cumulative_time_share": Measure(
        "calls", "if(effective_ms < 1000 * {}, effective_ms, 0)", "effective_ms"
    ),
    "summary_tool_latency_cdf.share_from": Measure(
        "calls", "(effective_ms >= 1000 * {})::int", "(effective_ms is not null)::int"
    ),
    "summary_tool_latency_cdf.time_share_from": Measure(
        "calls", "if(effective_ms >= 1000 * {}, effective_ms, 0)", "effective_ms"
    ),
    "summary_tool_time.total_s": Measure("calls", "effective_ms / 1000"),
    "summary_tool_time.time_share": Measure("calls", "effective_ms", "effective_ms", of_all=True),
    "summary_tool_categories.tool_calls": Measure("calls", "1"),
    "summary_tool_categories.call_share": Measure("calls", "1", of_all=True),
    "summary_tool_categories.total_s": Measure("calls", "effective_ms / 1000"),
    "summary_tool_categories.latency_s": Measure("calls", "effective_ms / 1000"),
    "summary_tool_long_tail.tool_calls": Measure("calls", "1"),
    "summary_tool_long_tail.call_share": Measure(
        "calls", "1", "(effective_ms is not null)::int", of_all=True
    ),
    "summary_tool_long_tail.total_s": Measure("calls", "effective_ms / 1000"),
    "summary_tool_long_tail.time_share": Measure("calls", "effective_ms", "effective_ms", of_all=True),
    "summary_codex_tool_gap.timed_share": Measure("calls", "(runner_gap_ms is not null)::int"),
    "summary_codex_tool_gap.gap count": Measure("calls", "(runner_gap_ms is not null)::int"),
    "summary_codex_tool_gap.gap": Measure(
        "calls", "runner_gap_ms / 1000", "if(runner_gap_ms is null, null, wall_ms / 1000)"
    ),
    "summary_codex_tool_gap.wall": Measure("calls", "if(runner_gap_ms is null, null, wall_ms / 1000)"),
    "summary_codex_tool_gap.internal": Measure(
        "calls", "if(runner_gap_ms is null, null, internal_ms / 1000)"
    ),
    # the prefix cache
    "summary_cache_hit_ratio.hit_ratio": Measure("one_prompts", "prefix_tokens", "input_tokens"),
    "summary_cache_hit_idle.gap_s": Measure("hits", "published_gap_ms / 1000"),
    "summary_cache_hit_idle.low_hit_gap_s": Measure(
        "hits", "if(hit_ratio < 0.1, published_gap_ms / 1000, null)"
    ),
    "summary_eviction_tradeoff.observed_amplification": Measure(
        "covered",
        "if(published_gap_ms is null, null, append_tokens)",
        "if(published_gap_ms is null, null, fresh_tokens)",
    ),
    "summary_redundant_prefill.published_fresh_tokens": Measure("fresh_pairs", "published_fresh_tokens"),
    "summary_redundant_prefill.append_tokens": Measure("fresh_pairs", "append_tokens"),
    "summary_redundant_prefill.published_fresh_share": Measure(
        "fresh_pairs", "published_fresh_tokens", "append_tokens"
    ),
    "summary_redundant_prefill.redundant_share": Measure(
        "fresh_pairs", "append_tokens - published_fresh_tokens", "append_tokens"
    ),
    "summary_redundant_prefill.prefill_amplification": Measure(
        "fresh_pairs", "append_tokens", "published_fresh_tokens"
    ),
    "summary_redundant_prefill.redundant_to_new": Measure(
        "fresh_pairs", "append_tokens - published_fresh_tokens", "published_fresh_tokens"
    ),
    "summary_idle_counterfactual.append_tokens.observed": Measure("steps", "append_tokens"),
    "summary_idle_counterfactual.append_tokens.no_pause": Measure("steps", "append_tokens - saved_tokens"),
    "summary_idle_counterfactual.saved_tokens.no_pause": Measure("steps", "saved_tokens"),
    "summary_idle_counterfactual.saved_append_share.no_pause": Measure(
        "steps", "saved_tokens", "append_tokens"
    ),
    "summary_idle_counterfactual.saved_resumed_append_share.no_pause": Measure(
        "steps", "saved_tokens", "if(is_resumed, append_tokens, null)"
    ),
    "summary_idle_counterfactual.cost_usd.observed": Measure("steps", "cost_usd::double"),
    "summary_idle_counterfactual.cost_usd.no_pause": Measure(
        "steps", "(cost_usd - coalesce(saved_usd, 0))::double"
    ),
    "summary_idle_counterfactual.saved_usd.no_pause": Measure("steps", "saved_usd::double"),
    "summary_idle_counterfactual.saved_cost_share.no_pause": Measure(
        "steps", "saved_usd::double", "cost_usd::double"
    ),
}
"""Table, metric, and where it takes them dimension value or statistic → what the number is made of."""

NONE: Mapping[str, str] = {
    "steps.duplicate_": "a count of distinct keys",
    "summary_overview.users": "a count of distinct people",
    "summary_overview.tool_names": "a count of distinct names",
    "summary_human_wait.wait_s max": "a maximum",
    "summary_eviction_tradeoff": "a sweep over timeouts",
    "summary_kv_active_ratio": "a sweep over timeouts",
    "summary_append_vs_prefix_latency": "a fit over matched buckets",
}
"""Table, metric and statistic, or the beginning of that → why such a number has no interval."""
