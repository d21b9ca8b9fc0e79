"""The audit views on marts made by hand."""

from tests.test_summaries import Marts, marts

__all__ = ["marts"]
AT = "2026-10-01 10:00:0{}".format


def test_a_step_with_a_message_opens_a_request_or_says_why_not(marts: Marts) -> None:
    def step(
        name: str, kind: str = "main", message_at: str | None = None, output_at: str | None = None
    ) -> None:
        times = {"message_at": message_at, "first_output_at": output_at}
        marts.add("steps", {"step_id": name, "session_kind": kind, "user_messages": 1} | times)

    def message(step: str, kind: str, at: str | None) -> None:
        marts.add("stg_events", {"step_id": step, "message_kind": kind, "event_at": at})

    step("opens", message_at=AT(0), output_at=AT(5))
    message("opens", "human", AT(0))
    step("opens in a subagent", "subagent", AT(0), AT(5))
    message("opens in a subagent", "agent", AT(0))
    step("a client speaks", output_at=AT(5))
    message("a client speaks", "meta", AT(0))
    message("a client speaks", "agent", AT(0))
    step("untimed")
    message("untimed", "human", None)
    step("without output")
    message("without output", "human", AT(0))
    step("heard late", output_at=AT(5))
    message("heard late", "human", AT(6))
    message("heard late", "human", None)
    marts.add("steps", {"step_id": "of tools alone", "user_messages": 0})

    found = marts.rows("audit_request_coverage", provider="claude", session_kind="all", model="all")
    assert {row["outcome"]: row["steps"] for row in found} == {
        "all": 6,
        "opens": 2,
        "no_prompt": 1,
        "no_time": 1,
        "no_output": 1,
        "after_output": 1,
    }
    (subagents,) = marts.rows(
        "audit_request_coverage", provider="all", session_kind="subagent", model="all", outcome="all"
    )
    assert subagents["steps"] == 1
