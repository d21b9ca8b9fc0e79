"""What a chart is: a title, the queries of its frames, and a function that draws them. It computes nothing.

A chart reads tables that already have its bins, so a query filters, orders and limits rows, and at most
sums up what a limit leaves out.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import altair as alt

Draw = Callable[..., "alt.VConcatChart"]


@dataclass(frozen=True, slots=True)
class Chart:
    """One picture of the warehouse."""

    name: str
    title: str
    question: str
    """What a reader asks of it: the first line of the drawing function's docstring."""
    frames: Mapping[str, str]
    """What it reads: parameter of the drawing function, and the query behind it."""
    draw: Draw
    """Takes the frames by name; pure."""


CHARTS: dict[str, Chart] = {}
"""Every chart by name, as its module is imported: `tracelab.charts.charts` gives them all."""


def chart(title: str, **frames: str) -> Callable[[Draw], Draw]:
    """Register a drawing function under its name; it takes the title, and a frame a keyword given here."""

    def register(draw: Draw) -> Draw:
        question = (draw.__doc__ or "").partition("\n")[0]
        CHARTS[draw.__name__] = Chart(draw.__name__, title, question, frames, partial(draw, title))
        return draw

    return register


def tables_in(*queries: str) -> list[str]:
    """Return the tables that queries name, each once, in their order."""
    return list(dict.fromkeys(re.findall(r"\b(?:from|join) (?:simulations\.)?(\w+)", "\n".join(queries))))
