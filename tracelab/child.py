"""Processes of this very package: what they need to find it."""

import os
from pathlib import Path

_ROOT = Path(__file__).parents[1]


def child_environment() -> dict[str, str]:
    """Return the environment in which a child imports this package, whatever the current folder holds."""
    paths = [str(_ROOT), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
