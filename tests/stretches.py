"""Bytes of a log as the reader hands them to a provider."""

from tracelab.providers.base import Stretch


def split(data: bytes) -> list[Stretch]:
    """Cut a log's bytes into its whole lines and what stands after them."""
    end = data.rfind(b"\n") + 1
    rest = Stretch(data.count(b"\n") + 1, end, data[end:], False)
    return [Stretch(1, 0, data[:end])] * bool(end) + [rest] * bool(rest.data)
