"""Pictures of the warehouse: each reads a few tables, and is written as HTML, SVG, PNG or as its spec.

Nothing here reaches the network: the HTML holds the libraries it needs.
"""

import difflib
import importlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracelab.charts.base import CHARTS, Chart
from tracelab.errors import TracelabError
from tracelab.text import plain

if TYPE_CHECKING:
    import altair as alt
    import duckdb
    import polars as pl

FORMATS = ("html", "svg", "png", "json")
"""What a chart can be written as; json is its Vega-Lite spec."""
NAMES: Mapping[str, tuple[str, ...]] = {
    "overview": ("activity", "model_mix", "published"),
    "requests": ("request_response_time", "request_shape"),
    "sessions": ("session_steps",),
    "spending": ("session_time", "session_cost", "compactions"),
    "people": ("human_waits", "request_decomposition"),
    "tokens": ("append_mass", "append_by_prefix"),
    "token_bins": ("token_lengths", "output_tokens", "adjusted_append"),
    "token_grids": ("prefix_append", "input_growth"),
    "generation": ("generation_time", "decode_speed", "first_token_time", "append_vs_prefix_latency"),
    "fits": ("output_attribution", "timing_fit"),
    "tools": ("tool_latency", "tool_latency_mass", "runner_gap"),
    "tool_shares": ("tool_counts", "tool_time", "tool_categories", "tool_long_tail"),
    "prefix_cache": ("hit_by_idle", "miss_causes"),
    "cache_use": ("hit_ratio", "redundant_prefill"),
    "cache_sweeps": ("eviction_tradeoff", "kv_active", "idle_counterfactual"),
}
"""Module → the charts that it has; told here too, since help must not wait for what draws them."""
_PNG_SCALE = 2


def charts() -> dict[str, Chart]:
    """Return every chart by name."""
    for module in NAMES:
        importlib.import_module(f"tracelab.charts.{module}")
    # in this order, whichever module was imported first
    return {name: CHARTS[name] for names in NAMES.values() for name in names}


def draw_charts(
    db: Path,
    out: Path,
    names: Sequence[str] = (),
    formats: Sequence[str] = ("html", "svg", "png"),
    *,
    session_id: str | None = None,
) -> list[Path]:
    """Draw charts into `out`, by default all; return the files in the order of the charts.

    `session_id` is what `session_steps` draws, by default the session with most to see. A population without
    members gives a picture that says so.

    Raises:
        TracelabError: if the warehouse is not built, a name is no chart, or `out` cannot be written.
    """
    from tracelab.charts.quick import quick_altair
    from tracelab.files import check_folder, unwritten
    from tracelab.warehouse import open_read_only

    _check("chart", names, list(charts()))
    _check("format", formats, FORMATS)
    check_folder(out)
    paths: list[Path] = []
    with open_read_only(db) as warehouse, quick_altair():
        for name in names or charts():
            picture = draw(charts()[name], warehouse, session_id=session_id)
            try:
                out.mkdir(parents=True, exist_ok=True)
                # tests validate specs, which takes as long as writing them
                paths += _save(picture.to_dict(validate=False), out / name, formats)
            except OSError as error:
                raise unwritten(out, error, "--out") from error
    return paths


def draw(
    chart: Chart, warehouse: "duckdb.DuckDBPyConnection", *, session_id: str | None = None
) -> "alt.VConcatChart":
    """Draw one chart from an open warehouse, as in a notebook.

    Raises:
        TracelabError: if the tables that it reads are not built.
    """
    return chart.draw(**read_frames(chart, warehouse, session_id=session_id))


def read_frames(
    chart: Chart, warehouse: "duckdb.DuckDBPyConnection", *, session_id: str | None = None
) -> dict[str, "pl.DataFrame"]:
    """Read what a chart draws, a frame a keyword of its function.

    Raises:
        TracelabError: if the tables that it reads are not built.
    """
    import duckdb

    try:
        return {name: _frame(warehouse, query, session_id) for name, query in chart.frames.items()}
    except duckdb.CatalogException as error:
        raise TracelabError(f"{chart.name} reads tables that are not built: run `tracelab build`") from error


def _check(kind: str, names: Sequence[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known) or known
            raise TracelabError(f"there is no {kind} {name}; there is {', '.join(near)}")


def _frame(warehouse: "duckdb.DuckDBPyConnection", query: str, session_id: str | None) -> "pl.DataFrame":
    """Read one frame; money and sums become floats, and what is not finite null, for JSON has neither."""
    import polars as pl
    import polars.selectors as cs

    params = {"session_id": session_id} if "$session_id" in query else None
    frame = warehouse.sql(query, params=params).pl()
    floats = frame.with_columns((cs.decimal() | cs.by_dtype(pl.Int128)).cast(pl.Float64))
    return plain(floats.with_columns(pl.when(cs.float().is_finite()).then(cs.float())))


def _save(spec: dict[str, Any], stem: Path, formats: Sequence[str]) -> Iterator[Path]:
    import vl_convert as vlc

    from tracelab.files import replacing

    image = svg(spec) if {"svg", "png"} & set(formats) else ""
    for name in formats:
        match name:
            case "html":
                content = _html(spec).encode()
            case "svg":
                content = image.encode()
            case "png":
                content = vlc.svg_to_png(image, scale=_PNG_SCALE)
            case _:
                content = (json.dumps(spec, indent=1, sort_keys=True) + "\n").encode()
        path = stem.with_name(f"{stem.name}.{name}")
        with replacing(path) as partial:
            partial.write_bytes(content)
        yield path


def svg(spec: dict[str, Any]) -> str:
    """Draw a chart's spec on its static canvas: as large as it is where that fits, else made smaller."""
    import vl_convert as vlc

    # the runtime numbers gradients and clips from picture to picture: begin anew in each
    places: dict[str, int] = {}
    image = re.sub(
        r"\b(gradient_|clip)\d+",
        lambda found: f"{found[1]}{places.setdefault(found[0], len(places))}",
        vlc.vegalite_to_svg(spec),
    )
    number = r'"([\d.]+)"'
    head = re.search(
        rf'width={number} height={number} viewBox="[^"]*"([^>]*><rect) width={number} height={number}', image
    )
    if head is None:
        raise ValueError("vl-convert's SVG no longer begins with its size and its background")
    width, height = spec["usermeta"]["size"]
    ratio = max(1.0, float(head[1]) / width, float(head[2]) / height)
    box = f'viewBox="0 0 {width * ratio:g} {height * ratio:g}"'
    canvas = f'width="{width}" height="{height}" {box}{head[3]} width="100%" height="100%"'
    return re.sub("<[^>]+>", _rounded, image[: head.start()] + canvas + image[head.end() :])


def _rounded(tag: re.Match[str]) -> str:
    """Write places to a hundredth of a pixel: half the size, and the same on every machine."""

    def attribute(found: re.Match[str]) -> str:
        return re.sub(r"-?\d+\.\d{3,}", lambda number: f"{round(float(number[0]), 2):g}", found[0])

    return re.sub(r' (?:d|x|y|x2|y2|width|height|transform)="[^"]*"', attribute, tag[0])


def _html(spec: dict[str, Any]) -> str:
    """One file that needs nothing else, libraries and spec inside; light or dark as its reader's screen."""
    from tracelab.charts.theme import config
    from tracelab.charts.vega import vega_script

    def embedded(value: object) -> str:
        # no text from data may close the script
        return json.dumps(value).replace("<", "\\u003c")

    dark = config("dark")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{spec["title"]["text"]}</title>
<style>
body {{ margin: 0 }}
@media (prefers-color-scheme: dark) {{ body {{ background: {dark["background"]} }} }}
</style>
</head>
<body>
<main id="chart"></main>
<script>{vega_script()}</script>
<script>
const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
const spec = {embedded(spec)};
if (isDark) spec.config = {embedded(dark)};
vegaEmbed("#chart", spec, {{ actions: false, renderer: "svg" }});
</script>
</body>
</html>
"""
