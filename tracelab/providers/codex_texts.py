"""Who speaks in a Codex user text: a person, a parent agent, or the client."""

_INJECTED = (
    ("<environment_context>", "environment"),
    ("<user_instructions>", "environment"),
    ("<turn_aborted>", "environment"),
    ("# AGENTS.md instructions", "environment"),
    ("<subagent_notification>", "notification"),
    ("<hook_prompt", "meta"),
)
_TAGS = tuple(tag for tag, _ in _INJECTED)
_ENVIRONMENT_KINDS = frozenset(("environment_context", "user_instructions"))


def injected_kind(text: str) -> str | None:
    """Return the message kind of a text that the client injected; None if it did not."""
    text = text[:200].lstrip()
    if not text.startswith(_TAGS):
        return None
    return next(kind for tag, kind in _INJECTED if text.startswith(tag))


def user_kind(text: str, label: str | None, speaker: str) -> str:
    """Return the message kind of a user message, `speaker` being who writes the thread's prompts."""
    if label in _ENVIRONMENT_KINDS:
        return "environment"
    return injected_kind(text) or speaker
