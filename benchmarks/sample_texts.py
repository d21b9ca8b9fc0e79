"""What tools print and models say in the sample: invented, short, drawn from small pools."""

from __future__ import annotations

import random

PROJECTS = {
    "tidewater": (
        "py",
        (
            "src/tidewater/ingest.py",
            "src/tidewater/rollup.py",
            "src/tidewater/stations.py",
            "src/tidewater/feeds/harbour.py",
            "tests/test_rollup.py",
        ),
        "pytest -q",
    ),
    "pressroom": (
        "ts",
        (
            "src/layout/measure.ts",
            "src/layout/caption.ts",
            "src/galley/open.ts",
            "src/theme/proof.ts",
            "test/proof.spec.ts",
        ),
        "npm test --silent",
    ),
    "lanternfish": (
        "rs",
        ("src/main.rs", "src/tail.rs", "src/table.rs", "src/index.rs", "tests/follow.rs"),
        "cargo test --quiet",
    ),
    "runbook": (
        "md",
        ("docs/relays.md", "docs/on-call.md", "docs/restore.md", "site/search.js", "site/build.py"),
        "make site",
    ),
}

CODE = {
    "py": (
        "def rollup(readings: list[Reading], zone: ZoneInfo) -> list[Hour]:",
        "    start = reading.at.replace(minute=0, second=0, microsecond=0)",
        "    hours = defaultdict(list)",
        "    for reading in readings:",
        "        hours[start].append(reading.level_cm)",
        "    return [Hour(at, mean(levels)) for at, levels in hours]",
        "        if reading.level_cm is None:",
        "            dropped += 1",
        "    # the feed repeats a reading at midnight",
    ),
    "ts": (
        "export function measure(line: Line, font: Font): Size {",
        "  const key = `${font.id}/${line.text}`;",
        "  const hit = sizes.get(key);",
        "  if (hit !== undefined) return hit;",
        "  const width = line.glyphs.reduce((sum, glyph) => sum + glyph.advance, 0);",
        "  return { width, height: font.ascent + font.descent };",
        "}",
    ),
    "rs": (
        "fn follow(path: &Path, since: Option<Instant>) -> io::Result<Lines> {",
        "    let mut reader = BufReader::new(File::open(path)?);",
        "    if let Some(offset) = index.seek(since) {",
        "        reader.seek(SeekFrom::Start(offset))?;",
        "    }",
        "    // a rotated file keeps its name and changes its inode",
        "    Ok(Lines { reader, width: display_width })",
        "}",
    ),
    "md": (
        "## Restoring a relay",
        "1. Take it out of rotation.",
        "2. Check the queue: it must be empty.",
        "3. Restart the service and watch the log for two minutes.",
        "- relay-north is now relay-a",
        "",
    ),
}

PREFACES = (
    "Let me look at that part first.",
    "Now the other caller.",
    "That matches the report. Changing it.",
    "Running the tests.",
    "One of them fails for another reason; checking.",
    "Next the fixtures.",
    "I will keep the old behaviour behind the flag.",
    "Reading the log around the failure.",
)

ANSWERS = (
    "Done. The change is small: the boundary is now taken from the reading, and a test covers it.",
    "Found it. The value is rounded before the zone is applied, so the last reading lands on the next day.",
    "Both places are fixed and tested. One older test asserted the faulty value; I corrected it.",
    "It is twice as fast on the sample. Most of what is left is reading the file; I would stop here.",
    "Nothing else depends on it. I listed the three call sites and left them alone.",
    "That works now. I did not touch the public interface, so no release note is needed beyond one line.",
)

THOUGHTS = (
    "The failing case is the one at midnight. Check which zone the rollup uses before touching the reader.",
    "Two readers share this helper, so a change here reaches both.",
    "The test passes alone and fails in the suite: shared state.",
)

FAILURES = (
    "AssertionError: expected 24 hours, got 23",
    "error: 1 of 48 tests failed: rotated_file_keeps_lines",
    "Error: expected caption.bottom <= image.top, received 14",
    "ModuleNotFoundError: No module named 'plots'",
)

PLAN = ("Reproduce", "Fix the boundary", "Add a test")


def listing(rng: random.Random, language: str, chars: int) -> str:
    """Some `chars` characters of numbered source lines."""
    lines = [f"{n}\t{rng.choice(CODE[language])}" for n in range(rng.randint(1, 90), 400)]
    return clip("\n".join(lines), chars)


def test_output(rng: random.Random, seconds: float, failed: bool, chars: int) -> str:
    """A test run's output; the verdict comes last, as in real runs."""
    dots = "." * min(chars, 160)
    verdict = f"{rng.choice(FAILURES)}\n1 failed" if failed else "0 failed"
    return f"{dots}\n{verdict}, {rng.randint(40, 260)} passed in {seconds:.1f}s"


def matches(rng: random.Random, project: str, chars: int) -> str:
    """What a search prints."""
    language, files, _ = PROJECTS[project]
    lines = [f"{rng.choice(files)}:{rng.randint(3, 300)}:{rng.choice(CODE[language])}" for _ in range(40)]
    return clip("\n".join(lines), chars)


def clip(text: str, chars: int) -> str:
    """The first `chars` characters, to the end of a line where there is one."""
    head = text[:chars]
    return head.rsplit("\n", 1)[0] if "\n" in head else head
