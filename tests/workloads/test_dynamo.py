"""Dynamo's replay takes what is written for it, whole; skipped where `ai-dynamo-runtime` is not installed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.workloads import formats

ENGINE = {"engine": {"num_gpu_blocks": 10_000_000}}  # none of the cache is given up
OPTIONS = {
    "mooncake": {"trace_format": "mooncake", "trace_block_size": 512},
    "mooncake-sessions": {"trace_format": "mooncake", "trace_block_size": 512},
    "agentic-mooncake": {"trace_format": "agentic_mooncake", "execution_model": "any"},
}


@pytest.mark.parametrize("format", OPTIONS)
def test_every_step_is_replayed_and_finds_what_it_may_reuse(
    exported: Callable[[str], Path], format: str
) -> None:
    dynamo = pytest.importorskip("dynamo._core")
    path = exported(format)
    about = formats.manifest(path)
    summary = dynamo.run_mocker_trace_replay([path], ENGINE, **OPTIONS[format]).summary
    counts = [summary[name] for name in ("completed_requests", "total_input_tokens", "total_output_tokens")]
    assert counts == [about["steps"], about["input_tokens"], about["output_tokens"]]
    reused = summary["prefix_cache_reused_ratio"] * summary["total_input_tokens"]
    if format == "agentic-mooncake":
        assert summary["completed_trajectories"] == about["conversations"]
        assert round(reused) == about["reused_tokens"]
