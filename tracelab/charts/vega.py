"""Vega, Vega-Lite and their embedding: the script that draws a chart on a page without a network."""

import os
import zlib
from contextlib import suppress
from functools import cache
from importlib.metadata import version

from tracelab.files import cache_folder, replacing


@cache
def vega_script() -> str:
    """Return the script; to put it together takes two seconds, so the cache folder keeps it."""
    kept = cache_folder() / f"vega-{version('vl-convert-python')}.zlib"  # which tells whether it is whole
    with suppress(OSError, ValueError, zlib.error):
        if kept.is_file():
            return zlib.decompress(kept.read_bytes()).decode()
    import vl_convert as vlc

    script: str = vlc.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    with suppress(OSError, RuntimeError):  # the latter of a link to itself
        kept.parent.mkdir(parents=True, exist_ok=True)
        with replacing(kept, str(os.getpid())) as partial:
            partial.write_bytes(zlib.compress(script.encode()))
    return script
