"""The one error that a user sees."""


class TracelabError(Exception):
    """What could not be done, where, and what to do about it, in one message (exit status 1)."""
