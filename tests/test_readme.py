"""README's SQL questions give the answers printed there, and its headlines are what `make demo` prints."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def test_every_question_of_the_readme_has_the_answer_that_stands_there(warehouse: Path) -> None:
    spec = importlib.util.spec_from_file_location("answers", ROOT / "docs/answers.py")
    assert spec and spec.loader
    answers = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(answers)
    assert len(answers.QUESTION.findall(README)) == 16
    assert answers.answered(README, warehouse) == README, "run `make docs`"


def test_the_readme_shows_what_the_demo_finds(warehouse: Path) -> None:
    from tracelab.run import headline_table, headlines

    assert headline_table(headlines(warehouse)) in README
