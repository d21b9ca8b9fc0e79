"""Writes seeded raw sessions of any size: `python benchmarks/generate.py OUT --bytes 1.4GB --steps 300000`.

`OUT` becomes a home: `.claude/projects/…` and `.codex/sessions/…`, two steps of Claude Code for three of
Codex, subagents, both Codex eras, compactions, parallel calls, outputs from a line to megabytes. The same
arguments give the same bytes. What is drawn, and from which distributions, stands in `workload`.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import generate_claude, generate_codex
from benchmarks.generate_sink import Sink, Stats
from benchmarks.workload import Draws

START_MS = 1_788_220_800_000  # 2026-09-01T00:00:00Z
SPAN_MS = 60 * 86_400_000
CLAUDE_SHARE = 0.4  # of steps
UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}
GIANT_FILE_BYTES, GIANT_LINE_CHARS = 300_000_000, 25_000_000


def generate(out: Path, *, steps: int, bytes_per_step: int, seed: int) -> Stats:
    """Write sessions of `steps` steps in all, of about `bytes_per_step` each, below `out`."""
    draws, sink = Draws(seed), Sink(out, bytes_per_step)
    while (left := steps - sink.stats.steps.total()) > 0:
        now_ms = START_MS + int(draws.random() * SPAN_MS)
        behind = sink.stats.steps["claude"] <= CLAUDE_SHARE * sink.stats.steps.total()
        write = generate_claude.write_session if behind else generate_codex.write_session
        write(draws, sink, min(left, draws.session_steps()), now_ms)
        sink.rescale()
    return sink.stats


def giant_file(out: Path, seed: int, size: int = GIANT_FILE_BYTES) -> Stats:
    """One rollout of about `size` bytes."""
    draws, sink = Draws(seed), Sink(out, 0)
    generate_codex.write_session(draws, sink, max(1, size // 4400), START_MS, ".codex/sessions/giant-file")
    return sink.stats


def giant_line(out: Path, seed: int, chars: int = GIANT_LINE_CHARS) -> Stats:
    """One Claude Code session with a line of twice `chars`: a result and the client's copy of it."""
    draws, sink = Draws(seed), Sink(out, 0)
    folder = "-home-dev-src-giant-line"
    names = {"session": draws.uuid(), "cwd": "/home/dev/src/giant-line", "version": "2.1.292"}
    path = f".claude/projects/{folder}/{names['session']}.jsonl"
    session = generate_claude.Session(draws, sink, path, {**names, "model": "claude-opus-4-8"}, START_MS)
    session.left = 3
    session.request(2)
    block = draws.text(1_000_000)
    whole = "\\n".join([block] * -(-chars // len(block)))
    caller = session.put("say Read", tool=f"toolu_01{draws.digits()}")
    session.put("result Read", caller=caller, text=whole)
    sink.count("tool_calls")
    session.request(1)
    session.file.close()
    return sink.stats


def parse_size(text: str) -> int:
    """A size such as `1.4GB`, `300 MB` or `5000` in bytes."""
    found = re.fullmatch(r"([\d.]+)\s*([KMG]B|)", text.strip().upper())
    if found is None:
        raise argparse.ArgumentTypeError(f"not a size: {text}")
    return round(float(found[1]) * UNITS[found[2]])


def main() -> None:
    """Read the arguments and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("out", type=Path, help="folder to write into: becomes a home")
    parser.add_argument(
        "--bytes", type=parse_size, default=parse_size("1.4GB"), help="total size (default 1.4GB)"
    )
    parser.add_argument("--steps", type=int, default=300_000, help="steps in all (default 300000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--giant-file", action="store_true", help="write one rollout of 300 MB instead")
    parser.add_argument(
        "--giant-line", action="store_true", help="write one session with a line of 50 MB instead"
    )
    options = parser.parse_args()
    if not options.giant_file and not options.giant_line:
        per_step = options.bytes // options.steps
        print(generate(options.out, steps=options.steps, bytes_per_step=per_step, seed=options.seed))
    if options.giant_file:
        print(giant_file(options.out, options.seed))
    if options.giant_line:
        print(giant_line(options.out, options.seed))


if __name__ == "__main__":
    main()
