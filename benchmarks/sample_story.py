"""The story that the shipped sample tells: one developer, four projects, three weeks of October 2026.

All of it is invented. A `Script` is a session, a `Turn` one prompt and what it sets off. A turn's `plan` has
its steps between bars; a step's letters are its parallel calls: Read, Grep, Edit, Write, Bash, Test run,
Do-list, Question, Plan approval, Search, Fetch, Mcp, Long background command, `A:name` a subagent; `!` fails
the call before it. `.` is an answer in words, `~` a step that finds part of its cache gone, `^` an interrupt,
`>` calls that the client runs one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

MINUTE_S = 60
HOUR_S = 3600


@dataclass(frozen=True)
class Turn:
    """A prompt, sent `pause_s` after the answer before it (seconds; None draws an ordinary pause)."""

    prompt: str
    plan: str
    pause_s: int | None = None
    before: tuple[str, ...] = ()  # first: `compact`, `model NAME`, `shell COMMAND`, `resume`


@dataclass(frozen=True)
class Script:
    """A session: `start` in UTC, `heft` scales what each tool result adds to the context."""

    name: str
    project: str
    start: str
    model: str
    turns: tuple[Turn, ...]
    version: str = "2.1.292"
    heft: float = 1.0
    mode: str = ""  # Codex: `old` (0.121), `code` (only `exec` and `wait`), else plain tools; `archived`
    window_tokens: int = 258_400  # Codex
    resumes: str = ""  # Claude: the session whose rows this one begins with


@dataclass(frozen=True)
class Agent:
    """A subagent: its task in a line, its prompt, its steps."""

    kind: str
    task: str
    prompt: str
    plan: str
    model: str = "claude-haiku-4-5-20251001"
    background: bool = False


OPUS, OPUS_OLD, SONNET = "claude-opus-4-8", "claude-opus-4-7", "claude-sonnet-4-6"
GPT, GPT_OLD, GPT_CODE = "gpt-5.5", "gpt-5.4", "gpt-5.6-sol"

AGENTS = {
    "clocks": Agent(
        "Explore",
        "Find every use of local time",
        "List each place in src/ that builds a timestamp without a zone. Paths and lines only.",
        "G G | R R | .",
    ),
    "review": Agent(
        "general-purpose",
        "Review the rollover change",
        "Review the diff on this branch for edge cases around midnight and DST. Be brief.",
        "B | R R | G | T | .",
        model=SONNET,
    ),
    "bench": Agent(
        "general-purpose",
        "Measure the parser",
        "Run the parser benchmark three times and report the medians.",
        "B | T | T | T | .",
        background=True,
    ),
    "callers": Agent(
        "explorer",
        "Trace the callers of render_row",
        "Trace who calls render_row and whether any caller relies on trailing spaces.",
        "G | R R | .",
        model=GPT,
    ),
}

CLAUDE = (
    Script(
        "gauge-rollover",
        "tidewater",
        "2026-10-05T08:12",
        OPUS_OLD,
        version="2.1.286",
        heft=1.6,
        turns=(
            Turn(
                "The river gauge import loses the last reading before midnight. Find out why.",
                "A:clocks G | R R R | B | .",
            ),
            Turn("Right, that is it. Fix it with a regression test.", "D | E W | T! | E | T | .", 95),
            Turn("Does the hourly rollup have the same bug?", "G R | R | .", 8 * MINUTE_S),
        ),
    ),
    Script(
        "station-cache",
        "tidewater",
        "2026-10-06T12:40",
        OPUS_OLD,
        version="2.1.286",
        turns=(
            Turn(
                "Station metadata is fetched on every request. Add a small cache, 10 minutes.",
                "R R G | P | E | T | .",
            ),
            Turn("Make the lifetime a setting.", "R | E | T | .", 22 * MINUTE_S),
        ),
    ),
    Script(
        "feed-schema",
        "tidewater",
        "2026-10-07T07:55",
        OPUS,
        version="2.1.290",
        heft=2.6,
        turns=(
            Turn(
                "The harbour feed changes to its v3 schema on Friday. What breaks on our side?",
                "S | F | R R | Q | .",
            ),
            Turn(
                "Go with the adapter. Keep v2 working until the end of the month.",
                "D | E W | T! | E! | R E | T | D | .",
            ),
            Turn(
                "Staging rejects depth values of '—'. Treat them as missing.",
                "M | G | E | T | .",
                74 * MINUTE_S,
            ),
        ),
    ),
    Script(
        "slow-suite",
        "pressroom",
        "2026-10-08T09:05",
        OPUS,
        version="2.1.290",
        heft=1.8,
        turns=(
            Turn(
                "The test suite takes nine minutes. Where does the time go?",
                "B T | R R | B | .",
            ),
            Turn("Try running the render tests in parallel.", "R | E | T | E | T | .", 14 * MINUTE_S),
            Turn("Which of the snapshots are never read?", "G G | A:bench | .", 33 * MINUTE_S),
        ),
    ),
    Script(
        "proof-layout",
        "pressroom",
        "2026-10-09T13:20",
        OPUS,
        version="2.1.290",
        heft=6.0,
        turns=(
            Turn("Captions overlap the image in narrow columns. Reproduce it first.", "M | R R | W | T! | ."),
            Turn("Good. Fix the measuring, not the stylesheet.", "R R | ~ E E | T | .", 70),
            Turn(
                "Looks right at 320 px; at 280 px the credit line still wraps badly.",
                "R | E | T! | E | T | .",
                11 * MINUTE_S,
            ),
            Turn(
                "Carry on with the print sheet: same measuring.",
                "R R | E | T | .",
                2 * MINUTE_S,
                before=("compact",),
            ),
        ),
    ),
    Script(
        "host-names",
        "runbook",
        "2026-10-12T07:40",
        SONNET,
        turns=(
            Turn("We renamed the relay hosts. Update the runbook pages.", "G | R | E E E | ."),
            Turn("Also the on-call checklist.", "R | E | .", 35),
        ),
    ),
    Script(
        "dst-review",
        "tidewater",
        "2026-10-13T08:30",
        OPUS,
        heft=1.7,
        turns=(
            Turn("Clocks go back on the 25th. Are we safe?", "A:review G | R R | ."),
            Turn("Use the station's zone, not the server's.", "G | E E | T ^", 55),
            Turn(
                "Sorry, wrong branch. Same change on dst-rollup.",
                "B | E E | T | .",
                20,
                before=("shell git switch dst-rollup",),
            ),
        ),
    ),
    Script(
        "tide-tables",
        "tidewater",
        "2026-10-14T12:05",
        OPUS,
        heft=1.5,
        turns=(
            Turn(
                "Plot tide predictions against the readings, one page per station.",
                "S S | F | R | P | W | B! | E | .",
            ),
            Turn("The axis labels collide on small screens.", "R | E | B | .", 90 * MINUTE_S),
        ),
    ),
    Script(
        "import-retry",
        "tidewater",
        "2026-10-15T08:10",
        OPUS,
        turns=(
            Turn(
                "Imports fail when the harbour server resets the connection. Retry with backoff.",
                "G | R | E | T | .",
            ),
            Turn("Cap it at four tries and count them in the metrics.", "E | T | .", 75),
        ),
    ),
    Script(
        "import-retry-2",
        "tidewater",
        "2026-10-16T07:50",
        OPUS,
        resumes="import-retry",
        turns=(
            Turn(
                "Overnight it retried on a 404. Only retry on resets and 5xx.",
                "R | E | T | .",
                before=("resume",),
            ),
            Turn("Backfill the gap from last night.", "B | L | .", 100),
        ),
    ),
    Script(
        "galley-speed",
        "pressroom",
        "2026-10-19T08:45",
        OPUS,
        heft=2.0,
        turns=(
            Turn("Opening a galley with 400 stories takes eight seconds. Profile it.", "T | R R R | ."),
            Turn("Cache the measured lines per font.", "R | E E | T | .", 3 * MINUTE_S),
            Turn(
                "Use Sonnet for the cleanup: rename the helpers consistently.",
                "G G | E E E | T | .",
                80,
                before=("model " + SONNET,),
            ),
            Turn("Check the numbers again.", "T | .", 48 * MINUTE_S),
        ),
    ),
    Script(
        "new-image",
        "tidewater",
        "2026-10-20T08:20",
        OPUS,
        turns=(
            Turn(
                "CI has a new base image since last night, and the rollup job is red. Get it green.",
                "T! | G R | T! | R | T! | B | E | T | .",
            ),
            Turn(
                "Who else ran into this zone data change? Look before we pin anything.",
                "S S > | F F > | .",
                6 * MINUTE_S,
            ),
            Turn("Pin it, with a note in the changelog.", "E W | T | .", 50),
        ),
    ),
    Script(
        "quiet-friday",
        "tidewater",
        "2026-10-23T07:35",
        OPUS,
        turns=(
            Turn("Summarise what changed in ingest this week.", "B B | R | ."),
            Turn("Draft the changelog entry.", "W | .", 15 * MINUTE_S),
        ),
    ),
)

CODEX = (
    Script(
        "cli-flags",
        "lanternfish",
        "2026-10-05T13:05",
        GPT_OLD,
        version="0.121.0",
        mode="old",
        turns=(
            Turn("`lanternfish tail` ignores --since. Fix it.", "B B | B | E | T | ."),
            Turn("Add a test for relative times like 2h.", "E | T! | E | T | .", 70),
            Turn("Update the man page.", "B | E | .", 26 * MINUTE_S),
        ),
    ),
    Script(
        "old-container",
        "lanternfish",
        "2026-10-06T08:20",
        GPT_OLD,
        version="0.121.0",
        mode="old archived",
        turns=(Turn("The container build fails on aarch64. See what the log says.", "B | B B! | E | T | ."),),
    ),
    Script(
        "table-output",
        "lanternfish",
        "2026-10-08T13:10",
        GPT,
        version="0.155.0",
        turns=(
            Turn(
                "Columns in `lanternfish ls` shift when a name has wide characters, like 水位.",
                "B B | A:callers | B | E | T | .",
            ),
            Turn("Use the display width everywhere, then.", "D | E | T! | E | T | .", 2 * MINUTE_S),
        ),
    ),
    Script(
        "follow-mode",
        "lanternfish",
        "2026-10-12T12:15",
        GPT,
        version="0.155.0",
        heft=1.4,
        turns=(
            Turn("Follow mode drops lines when the file rotates. Reproduce it.", "B B | W | T! | ."),
            Turn("Fix it without polling.", "S | B | E | T! | E | T | .", 85),
            Turn("How does that behave on network mounts?", "B | S | .", 17 * MINUTE_S),
        ),
    ),
    Script(
        "index-format",
        "lanternfish",
        "2026-10-14T07:30",
        GPT_CODE,
        version="0.158.0",
        mode="code",
        heft=6.5,
        turns=(
            Turn("Sketch a compact index so that `--since` need not scan the file.", "B B B | B | ."),
            Turn("Build it behind a flag.", "B | E | T! | E | T | .", 4 * MINUTE_S),
            Turn("Compare it with the scan on the 2 GB log.", "T | B | .", 12 * MINUTE_S),
            Turn("Make it the default and keep --no-index.", "E | T | .", 60, before=("compact",)),
            Turn("One more: rebuild the index when it is older than the log.", "E | T | .", 2 * HOUR_S),
        ),
    ),
    Script(
        "colour-theme",
        "pressroom",
        "2026-10-15T13:40",
        GPT,
        version="0.158.0",
        turns=(
            Turn("Move the proof colours into one theme file.", "B B | E E | T | ."),
            Turn("Check contrast for the dark theme, and list what fails AA.", "B | M | .", 7 * MINUTE_S),
        ),
    ),
    Script(
        "release-script",
        "lanternfish",
        "2026-10-16T12:30",
        GPT_CODE,
        version="0.158.0",
        mode="code",
        turns=(
            Turn("Write the release script: tag, build, checksums.", "B | B | E | T | ."),
            Turn("Dry run it.", "T ^", 38 * MINUTE_S),
            Turn("It must not push. Add --dry-run and try again.", "E | T | .", 30),
        ),
    ),
    Script(
        "wire-format",
        "lanternfish",
        "2026-10-21T07:45",
        GPT,
        version="0.158.0",
        heft=10.0,
        window_tokens=997_500,
        turns=(
            Turn(
                "Read all captures in tests/wire and list where the two formats differ.",
                "R R | R R R | R R | .",
            ),
            Turn("Now our decoder against that list.", "R R | R R | R R | .", 3 * MINUTE_S),
            Turn(
                "Support both. The old one must stay byte for byte.",
                "B! | B! | B | E E | T | .",
                9 * MINUTE_S,
            ),
            Turn("And the docs page.", "R | E | .", 65),
        ),
    ),
    Script(
        "flaky-proof",
        "pressroom",
        "2026-10-22T08:00",
        GPT_CODE,
        version="0.160.0",
        mode="code",
        heft=1.6,
        turns=(
            Turn("proof.spec fails one run in ten. Find the race.", "B B | T! | B | ."),
            Turn("Wait for the font event instead of the timer.", "E | T | .", 5 * MINUTE_S + 40),
            Turn("Run it twenty times.", "T | .", 70),
        ),
    ),
)
