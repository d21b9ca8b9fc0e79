"""Writes one generated Codex rollout, of the paginated or the usage-last era."""

from __future__ import annotations

from datetime import UTC, datetime

from benchmarks.generate_sink import Sink
from benchmarks.generate_templates import TOKENS, codex_templates
from benchmarks.workload import COMMANDS, Draws, Prompt

PAGINATED, OLDER = codex_templates(paginated=True), codex_templates(paginated=False)
PAGINATED_SHARE = 0.4  # of sessions
LIFETIME_MS = 600_000
BLOCK_TOKENS = 128
NO_TOKENS = (0,) * len(TOKENS)


class Rollout:
    """A thread that writes itself."""

    def __init__(self, draws: Draws, sink: Sink, now_ms: int, folder: str) -> None:
        self.draws, self.sink, self.now_ms = draws, sink, now_ms
        self.paginated = draws.random() < PAGINATED_SHARE
        self.code_mode = self.paginated and draws.random() < 0.5
        self.lines = PAGINATED if self.paginated else OLDER
        thread, at = draws.uuid7(now_ms), datetime.fromtimestamp(now_ms / 1000, UTC)
        model = ("gpt-5.6-sol" if self.code_mode else "gpt-5.5") if self.paginated else "gpt-5.4"
        self.values: dict[str, object] = {
            "thread": thread,
            "cwd": f"/home/dev/src/project{draws.bits(16) % 40}",
            "version": "0.158.0" if self.paginated else "0.121.0",
            "model": model,
        }
        start = 22_000 + int(draws.random() * 40_000)
        limit = 200_000 + int(draws.random() * 60_000)
        self.prompt = Prompt(start, limit, LIFETIME_MS, warm=start // 2)
        self.sums: dict[str, tuple[int, ...]] = {"turn": NO_TOKENS, "thread": NO_TOKENS, "count": NO_TOKENS}
        self.ordinal = 0
        name = f"rollout-{at:%Y-%m-%dT%H-%M-%S}-{thread}.jsonl"
        self.file = sink.open(f"{folder or f'.codex/sessions/{at:%Y/%m/%d}'}/{name}")
        self.put("meta")

    def put(self, name: str, **values: object) -> None:
        """Write a line."""
        self.values.update(values)
        self.values["at"] = self.draws.iso(self.now_ms)
        self.values["ordinal"] = self.ordinal
        self.ordinal += 1
        self.file.write(self.lines[name] % self.values)

    def run(self, steps: int) -> None:
        """Write `steps` steps."""
        left, first = steps, True
        while left > 0:
            if not first:
                self.now_ms += self.draws.wait_ms()
            size = min(left, self.draws.request_steps())
            self.request(size)
            left -= size
            first = False
        self.file.close()

    def request(self, steps: int) -> None:
        """A turn."""
        began_ms = self.now_ms
        self.sums["turn"] = NO_TOKENS
        self.values["turn"] = self.draws.uuid7(began_ms)
        if self.paginated:
            self.put("settings")
        self.put("started")
        self.put("context")
        text = self.draws.text(int(self.draws.log_normal(120, 1)))
        self.put("prompt", text=text)
        if self.paginated:
            self.put("asked", item=self.draws.uuid7(self.now_ms), begun=self.now_ms, done=self.now_ms)
        else:
            self.put("user")
        self.sink.count("requests")
        self.prompt.size += 60 + self.draws.fresh_tokens() // 4
        for number in range(steps):
            self.step(last=number == steps - 1)
        self.put("complete", took=self.now_ms - began_ms)

    def step(self, *, last: bool) -> None:
        """A response, its usage, the outputs of its calls."""
        draws = self.draws
        self.sink.step("codex")
        if self.prompt.size > self.prompt.limit:
            self.compact()
            if self.paginated:  # the summarising response was a step of its own
                return
        thought = self.spend()
        output = int(str(self.values["last_output"]))
        self.now_ms += 1200 + int(draws.log_normal(1500, 0.6)) + output * 9
        if thought:
            self.put("reasoning", item=draws.digits(), signature=draws.digits() * (6 + output % 24))
        if last or draws.random() < 0.15:
            text = draws.text(int(output * 1.2))
            if not self.paginated:
                self.put("echo", text=text)
            self.put("said", text=text, item=draws.digits())
        self.prompt.size += output + draws.fresh_tokens()
        calls = [] if last else [self.call() for _ in range(draws.calls())]
        self.put("record" if self.paginated else "count", response=draws.digits() * 2)
        if calls:
            self.outputs(calls)
        if self.paginated or (calls and draws.random() < 0.15):
            self.put("count")  # the echo, once the tools are through

    def spend(self, *names: str) -> int:
        """Send the prompt, add its numbers to the sums `names` (default all); its reasoning tokens."""
        size, held = self.draws.send(self.prompt, self.now_ms)
        prefix = held // BLOCK_TOKENS * BLOCK_TOKENS
        output = self.draws.output_tokens()
        thought = int(output * self.draws.random() * 0.8) if self.draws.random() < 0.5 else 0
        last = (size, prefix, output, thought, size + output)
        self.set_numbers("last", last)
        for name in names or ("turn", "thread", "count"):
            self.sums[name] = tuple(map(sum, zip(self.sums[name], last, strict=True)))
            self.set_numbers(name, self.sums[name])
        return thought

    def set_numbers(self, name: str, numbers: tuple[int, ...]) -> None:
        """Fill the slots of one usage."""
        for token, value in zip(TOKENS, numbers, strict=True):
            self.values[f"{name}_{token}"] = value

    def call(self) -> tuple[int, str, str, str]:
        """Write a call: (its time in ms, its id, its tool, its command)."""
        draws = self.draws
        patches = draws.random() < 0.1 and not self.code_mode
        tool = "exec" if self.code_mode else "apply_patch" if patches else "exec_command"
        words = {"old": draws.text(60), "new": draws.text(120)} if patches else {}
        call_id, command = draws.digits(), COMMANDS[draws.bits(16) % len(COMMANDS)]
        self.put(tool, tool=call_id, item=draws.digits(), command=command, **words)
        self.now_ms += 40
        return (90 if patches else draws.latency_ms()), call_id, tool, command

    def outputs(self, calls: list[tuple[int, str, str, str]]) -> None:
        """The calls' outputs in the order in which they end."""
        draws, began_ms = self.draws, self.now_ms
        self.sink.count("tool_calls", len(calls))
        for took, call_id, tool, command in sorted(calls):
            self.now_ms = began_ms + took
            code = int(draws.random() < 0.053)
            text = draws.text(self.sink.chars(draws.result_chars(), 1))
            values = {"tool": call_id, "code": code, "wall": f"{took / 1000:.4f}", "text": text}
            if self.paginated and tool != "apply_patch":
                times = {"begun": began_ms, "done": self.now_ms, "secs": took // 1000}
                self.put("mirror", item=draws.uuid7(began_ms), command=command, code=code, **times)
            self.put(f"{tool} output", **values)
        self.now_ms += 9

    def compact(self) -> None:
        """A compaction; its response has a record where the era writes them, and is in no `token_count`."""
        self.now_ms += 20_000
        if self.paginated:
            self.spend("turn", "thread")
            self.put("record", response=self.draws.digits() * 2)
        self.prompt.compact()
        self.put("compacted", item=self.draws.uuid7(self.now_ms))
        if self.paginated:
            self.put("estimate", after=self.prompt.size)
        else:
            self.put("context_compacted")
        self.sink.count("compactions")


def write_session(draws: Draws, sink: Sink, steps: int, now_ms: int, folder: str = "") -> None:
    """A rollout of `steps` steps."""
    Rollout(draws, sink, now_ms, folder).run(steps)
    sink.count("codex_sessions")
