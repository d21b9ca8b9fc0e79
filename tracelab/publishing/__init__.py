"""A dataset to share, made of the warehouse: what may leave it, and how it is written."""

from tracelab.publishing.publish import Published, publish
from tracelab.publishing.rules import Rules

__all__ = ["Published", "Rules", "publish"]
