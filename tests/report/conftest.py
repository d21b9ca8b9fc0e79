"""Reports of several workloads, and a browser that opens them as a reader does: from disk, offline."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from tests.conftest import Once
from tracelab.report import build_report

playwright = pytest.importorskip("playwright.sync_api", reason="the browser's tests need playwright")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
LONGEST_WAIT_MS = 120_000
"""A machine may have other work: what never happens still fails, only later."""


@pytest.fixture(scope="session")
def browser() -> Iterator["playwright.Browser"]:
    """Debian's Chromium, without a window."""
    if CHROMIUM is None:
        pytest.skip("no Chromium: `apt-get install chromium`")
    with playwright.sync_playwright() as runner:
        browser = runner.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


class Reader:
    """A page that is open, and what it did that no reader should see."""

    def __init__(self, page: "playwright.Page") -> None:
        self.page = page
        self.noises: list[str] = []
        page.on("console", lambda message: self.noises.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.noises.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (self.noises.append("a dialog opened"), dialog.dismiss()))
        page.on("request", lambda request: self._note(request.url))

    def _note(self, url: str) -> None:
        if not url.startswith(("file:", "blob:", "data:")):
            self.noises.append(f"request: {url}")

    def wait_until_drawn(self) -> None:
        """Wait for every chart: what is out of view is drawn when the page has nothing else to do."""
        self.page.wait_for_function(
            "() => [...document.querySelectorAll('[data-chart] .plot')]"
            ".every((plot) => plot.classList.contains('is-drawn'))"
        )


@pytest.fixture
def read(browser: "playwright.Browser") -> Iterator[Callable[..., Reader]]:
    """Open a report; afterwards nothing may have been heard of it."""
    opened: list[Reader] = []

    def open_report(path: Path, *, size: dict[str, int] = DESKTOP, scheme: str = "light") -> Reader:
        context = browser.new_context(viewport=size, color_scheme=scheme, offline=True, accept_downloads=True)
        context.set_default_timeout(LONGEST_WAIT_MS)
        reader = Reader(context.new_page())
        opened.append(reader)
        reader.page.goto(path.as_uri())
        return reader

    yield open_report
    for reader in opened:
        reader.page.context.close()
        assert reader.noises == []


@pytest.fixture(scope="session")
def report(warehouse: Path, once: Once) -> Path:
    """The sample's report."""
    return once("report/report.html", lambda path: build_report(warehouse, path))


@contextmanager
def changed(warehouse: Path, db: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A copy of a warehouse to write to."""
    shutil.copyfile(warehouse, db)
    with duckdb.connect(str(db)) as copy:
        yield copy
