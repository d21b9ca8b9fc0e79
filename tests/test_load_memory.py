"""A load's memory has a bound that no input moves."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.test_load import query, session

LIMIT_KIB = 1 << 20


def pss_kib(pid: str) -> int:
    """Memory of a process, shared pages by share; 0 once it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def peak_kib(logs: Path, db: Path) -> int:
    """Load, and return the greatest memory of all its processes together."""
    script = (
        "import sys; from pathlib import Path; from tracelab.load import load\n"
        "load([sys.argv[1]], db=Path(sys.argv[2]))"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(logs), str(db)])
    peak = 0
    while process.poll() is None:
        try:
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        except (FileNotFoundError, ProcessLookupError):
            children = []
        peak = max(peak, sum(map(pss_kib, [str(process.pid), *children])))
        time.sleep(0.05)
    assert process.returncode == 0
    return peak


@pytest.mark.skipif(
    not Path("/proc/self/smaps_rollup").exists(), reason="the kernel tells no process's memory"
)
def test_big_files_big_lines_and_many_bad_lines_together_stay_below_a_gigabyte(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "surrogates.jsonl").write_bytes(session(2, steps=1, words="\ud800" * 4_000_000))
    wide = session(5, steps=1, words="\U0001f600" + "x" * 50_000_000)  # four bytes a character, decoded
    (logs / "wide.jsonl").write_bytes(wide)
    (logs / "damaged.jsonl").write_bytes(wide.removesuffix(b"\n") + b"]\n")
    for name in ("dense", "denser"):  # what says that a line holds too many values holds none of them
        values = b'"input": {"c": [' + b'{"\xc3\xa9":1},' * 4_500_000 + b"1], "
        dense = session(6, steps=1).replace(b'"input": {', values)
        (logs / f"{name}.jsonl").write_bytes(dense)
    said = [json.loads(session(7, steps=0)) | {"sessionId": f"s{number}"} for number in range(60_000)]
    for name in ("sessions", "more-sessions"):  # of a line each, less than what is kept of one
        (logs / f"{name}.jsonl").write_bytes(b"".join(json.dumps(row).encode() + b"\n" for row in said))
    for name in ("calls", "more-calls"):  # as dense as a line can be
        block = b'{"type":"tool_result","tool_use_id":"%d"},'
        blocks = b"".join(block % number for number in range(160_000)).removesuffix(b",")
        dense = b'{"type":"user","sessionId":"s","message":{"role":"user","content":[' + blocks + b"]}}\n"
        (logs / f"{name}.jsonl").write_bytes(session(8, steps=1) + dense * 3)
    (logs / "bad.jsonl").write_bytes(session(3, steps=1) + b"{\n" * 200_000)
    (logs / "steps.jsonl").write_bytes(session(4, steps=30_000, words="word" * 300))
    (logs / "text.jsonl").write_bytes(b"no JSON\n" * 1_000_000)
    db = tmp_path / "tracelab.duckdb"
    assert peak_kib(logs, db) < LIMIT_KIB
    assert query(db, "select count(*) from raw.steps") == [(30_006,)]
    partial = "select count(*), count(distinct error) from raw.files where status = 'partial'"
    assert query(db, partial) == [(4, 1)]
    assert query(db, "select count(*) from raw.load_issues where reason = 'bad_line'") == [(200_003,)]
    assert query(db, "select count(*) from raw.files where status = 'set_aside'") == [(1,)]
