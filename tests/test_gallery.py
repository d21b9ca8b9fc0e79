"""The gallery in the docs: every chart, as it is drawn today, and small."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tests.test_charts import NAMES, drawn, texts  # noqa: F401  (drawn is a fixture)

DOCS = Path(__file__).resolve().parents[1] / "docs"
PICTURES = DOCS / "gallery"


@pytest.fixture(scope="module")
def gallery() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gallery", DOCS / "gallery.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_gallery_says_what_the_charts_say(gallery: ModuleType) -> None:
    assert (DOCS / "gallery.md").read_text() == gallery.gallery_md(), "run `make docs`"
    assert {path.name for path in PICTURES.iterdir()} == {f"{name}.svg" for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_shows_what_is_drawn_today(name: str, drawn: Path) -> None:  # noqa: F811
    """Its words and numbers, that is; where they stand hangs on the fonts of the machine."""
    kept, today = (texts((folder / f"{name}.svg").read_text()) for folder in (PICTURES, drawn))
    assert kept == today, "run `make docs`"


def test_the_gallery_is_light_to_clone() -> None:
    assert sum(path.stat().st_size for path in PICTURES.iterdir()) < 1_500_000


def test_the_readme_shows_three_of_its_pictures() -> None:
    readme = (DOCS.parent / "README.md").read_text()
    assert sum(readme.count(f"(docs/gallery/{name}.svg)") for name in NAMES) == 3
