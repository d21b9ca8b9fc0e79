"""An analytics warehouse for coding-agent workloads."""

__version__ = "0.1.0"
