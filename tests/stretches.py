"""Bytes of a log as the reader hands them to a provider."""

from io import BytesIO

from tracelab.providers.base import Stretch


def split(data: bytes) -> list[Stretch]:
    """Cut a log's bytes into its whole lines and what stands after them."""
    lines = BytesIO(data).readlines()
    rest = [] if data.endswith(b"\n") else lines[-1:]
    whole = lines[: len(lines) - len(rest)]
    after = Stretch(len(whole) + 1, sum(map(len, whole)), rest, False)
    return [Stretch(1, 0, whole)] * bool(whole) + [after] * bool(rest)
