"""Writes one generated Claude Code session, its subagents in files of their own."""

from __future__ import annotations

from benchmarks.generate_sink import Sink
from benchmarks.generate_templates import claude_templates
from benchmarks.workload import COMMANDS, Draws, Prompt

MAIN, AGENT = claude_templates(agent=False), claude_templates(agent=True)
TOOLS = (
    ("Bash",) * 10
    + ("Read",) * 5
    + ("Edit",) * 3
    + ("Grep", "TodoWrite", "WebSearch", "mcp__tracker__search")
)
AGENT_SHARE = 0.02  # of a main session's calls
MODELS = ("claude-opus-4-8", "claude-opus-4-8", "claude-opus-4-7", "claude-sonnet-4-6")
HOUR_MS, FIVE_MINUTES_MS = 3_600_000, 300_000


class Session:
    """A context that writes itself: the conversation, or one subagent of it."""

    def __init__(self, draws: Draws, sink: Sink, path: str, names: dict[str, str], now_ms: int) -> None:
        self.draws, self.sink, self.path, self.now_ms = draws, sink, path, now_ms
        self.agent = "agent" in names
        self.lines = AGENT if self.agent else MAIN
        self.values: dict[str, object] = {**names, "parent": "null"}
        start = 16_000 + int(draws.random() * (8000 if self.agent else 60_000))
        limit = 200_000 + int(draws.random() * 60_000)
        self.prompt = Prompt(start, limit, FIVE_MINUTES_MS if self.agent else HOUR_MS, warm=start // 2)
        self.file = sink.open(path)
        self.left = 0

    def put(self, name: str, **values: object) -> str:
        """Write a line; returns its uuid."""
        uuid = self.draws.uuid()
        self.values.update(values)
        self.values["uuid"] = uuid
        self.values["at"] = self.draws.iso(self.now_ms)
        self.file.write(self.lines[name] % self.values)
        self.values["parent"] = f'"{uuid}"'
        return uuid

    def run(self, steps: int) -> None:
        """Write `steps` steps, those of the subagents that they start included."""
        self.left = steps
        first = True
        while self.left > 0:
            if not first:
                self.now_ms += self.draws.wait_ms()
            size = self.left if self.agent else min(self.left, self.draws.request_steps())
            self.request(size)
            first = False
        self.file.close()

    def request(self, steps: int) -> None:
        """A prompt and its steps; the last one only speaks."""
        began_ms = self.now_ms
        prompt = self.draws.uuid()
        self.put("prompt", text=self.draws.text(int(self.draws.log_normal(120, 1))), prompt=prompt)
        self.sink.count("requests")
        self.prompt.size += 60 + self.draws.fresh_tokens() // 4
        end = max(0, self.left - steps)
        while self.left > end:
            self.step(last=self.left == end + 1)
        if not self.agent:
            self.put("duration", took=self.now_ms - began_ms)
        if self.draws.random() < 0.2:
            self.put("reminder")

    def step(self, *, last: bool) -> None:
        """One message and the results of its calls."""
        draws, values = self.draws, self.values
        self.left -= 1
        self.sink.step("claude")
        if self.prompt.size > self.prompt.limit:
            self.compact()
        size, prefix = draws.send(self.prompt, self.now_ms)
        output = draws.output_tokens()
        thought = output // 2 if draws.random() < 0.35 else 0
        written = size - prefix - 3
        values.update(prefix=prefix, uncached=3, written=written, output=output, thought=thought)
        values.update(write_5m=written if self.agent else 0, write_1h=0 if self.agent else written)
        digits = draws.digits()
        values.update(message=f"msg_01{digits}", request=f"req_011C{digits[2:]}")
        values["stop"] = '"end_turn"' if last else '"tool_use"'
        if self.agent and draws.random() < 0.5:
            values.update(output=1 + output % 5, stop="null")
        self.now_ms += 1200 + int(draws.log_normal(1500, 0.6)) + output * 9
        if thought:
            self.put("say thinking", signature=draws.digits() * (8 + output % 12))
        if last or draws.random() < 0.3:
            self.put("say text", text=draws.text(int(output * 1.5)))
        self.prompt.size += output + draws.fresh_tokens()
        if not last:
            self.call_tools(draws.calls())

    def call_tools(self, calls: int) -> None:
        """Rows of calls, then their results in the order in which they end."""
        draws, ends = self.draws, []
        for _ in range(calls):
            tool = TOOLS[int(draws.random() * len(TOOLS))]
            if not self.agent and self.left > 2 and draws.random() < AGENT_SHARE:
                tool = "Agent"
            self.now_ms += 60
            tool_id = f"toolu_01{draws.digits()}"
            words: dict[str, str] = {}
            if tool == "Bash":
                words = {"command": COMMANDS[draws.bits(16) % len(COMMANDS)]}
            elif tool in ("Edit", "Agent"):
                words = {"old": draws.text(90), "new": draws.text(140)}
            caller = self.put(f"say {tool}", tool=tool_id, **words)
            took = self.spawn() if tool == "Agent" else draws.latency_ms()
            ends.append((self.now_ms + took, tool_id, tool, caller, took))
        self.sink.count("tool_calls", calls)
        for at_ms, tool_id, tool, caller, took in sorted(ends):
            self.now_ms = max(self.now_ms, at_ms)
            fails = draws.random() < 0.048
            copies = 1 if tool in ("Edit", "TodoWrite") else 2
            text = "Done." if copies == 1 else draws.text(self.sink.chars(draws.result_chars(), copies))
            name = f"{'error' if fails else 'result'} {tool}"
            self.put(name, tool=tool_id, caller=caller, text=text, took=took)
        self.now_ms += 12

    def compact(self) -> None:
        """An automatic compaction."""
        before = self.prompt.compact()
        self.now_ms += 50_000
        self.put("boundary", before=before, after=9000)
        self.put("summary", text=self.draws.text(3000))
        self.sink.count("compactions")

    def spawn(self) -> int:
        """A subagent: its own file; returns its time in ms."""
        agent = "a" + self.draws.digits()[:16]
        steps = min(self.left - 1, 1 + int(self.draws.log_normal(8, 0.9)))
        names = {name: str(self.values[name]) for name in ("session", "cwd", "version")}
        names |= {"agent": agent, "model": "claude-haiku-4-5-20251001"}
        path = f"{self.path.removesuffix('.jsonl')}/subagents/agent-{agent}.jsonl"
        child = Session(self.draws, self.sink, path, names, self.now_ms + 30)
        child.run(steps)
        self.left -= steps
        self.values["child"] = agent
        self.sink.count("claude_agents")
        return child.now_ms - self.now_ms


def write_session(draws: Draws, sink: Sink, steps: int, now_ms: int, folder: str = "") -> None:
    """A session of `steps` steps with those of its subagents."""
    session, project = draws.uuid(), folder or f"-home-dev-src-project{draws.bits(16) % 40}"
    names = {
        "session": session,
        "cwd": project.replace("-", "/"),
        "version": f"2.1.{200 + draws.bits(16) % 92}",
    }
    names["model"] = MODELS[draws.bits(16) % len(MODELS)]
    Session(draws, sink, f".claude/projects/{project}/{session}.jsonl", names, now_ms).run(steps)
    sink.count("claude_sessions")
