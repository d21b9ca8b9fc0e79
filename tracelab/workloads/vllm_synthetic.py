"""`vllm-synthetic`: the input of vLLM's multi-turn benchmark, which draws conversations from distributions.

Written from vLLM's `benchmarks/multi_turn` (README and `bench_dataset.py`): a session is a conversation, a
step two of its messages.
"""

import json
from typing import Any

import duckdb

from tracelab.algorithms.distribution_fit import Fit, constant, fit
from tracelab.workloads.selection import Job


def write(job: Job) -> dict[str, Any]:
    """Write the file; return how well each distribution fits."""
    fits = {
        section: {name: _fitted(job.warehouse, name, query) for name, query in queries.items()}
        for section, queries in _QUERIES.items()
    }
    [(conversations,)] = job.warehouse.execute(
        "select count(distinct session_key) from workload_steps"
    ).fetchall()
    config = {
        "filetype": "generate_conversations",
        "num_conversations": conversations,
        "text_files": [text.name for text in job.text_files],  # its folder may name a person
        "print_stats": True,
    } | {section: {name: fit.parameters for name, fit in parts.items()} for section, parts in fits.items()}
    job.path.write_text(json.dumps(config, indent=2) + "\n")
    return {
        "fits": [
            {"of": f"{section}.{name}", **fit._asdict()}
            for section, parts in fits.items()
            for name, fit in parts.items()
        ]
    }


def _fitted(warehouse: duckdb.DuckDBPyConnection, name: str, query: str) -> Fit:
    counted = warehouse.execute(
        f"select value::bigint, count(*) from ({query}) where value is not null group by value order by value"
    ).fetchall()
    # one number for all conversations: vLLM draws it once
    return constant(counted) if name == "common_prefix_num_tokens" else fit(counted)


_INPUT = {
    "num_turns": "select 2 * count(*) as value from workload_steps group by session_key",
    "common_prefix_num_tokens": "select prefix_tokens as value from workload_steps where is_first",
    "prefix_num_tokens": "select append_tokens as value from workload_steps where is_first",
    "num_tokens": """
        select fresh_tokens as value
        from workload_steps inner join (select step_id, fresh_tokens from cache_reuse) using (step_id)
        where not is_first
    """,
}
_OUTPUT = {
    "num_tokens": """
        select output_tokens as value
        from workload_steps
        semi join (select step_id from steps where usage_is_final is not false) using (step_id)
    """,
}
_QUERIES = {"prompt_input": _INPUT, "prompt_output": _OUTPUT}
