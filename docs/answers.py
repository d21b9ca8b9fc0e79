"""Write the answers of README.md's SQL questions: `python docs/answers.py WAREHOUSE` (see `make docs`)."""

import io
import re
import sys
from pathlib import Path

from tracelab.sql import run_sql

README = Path(__file__).resolve().parents[1] / "README.md"
QUESTION = re.compile(r"```sql\n(?P<query>.*?)```\n\n```text\n(?P<answer>.*?)```\n", re.DOTALL)


def answered(text: str, db: Path) -> str:
    """Return the text with the answer of each SQL question as `tracelab sql` prints it on this warehouse."""

    def answer(match: re.Match[str]) -> str:
        table = io.BytesIO()
        run_sql(db, match["query"], table)
        return f"```sql\n{match['query']}```\n\n```text\n{table.getvalue().decode()}```\n"

    return QUESTION.sub(answer, text)


if __name__ == "__main__":
    README.write_text(answered(README.read_text(), Path(sys.argv[1])))
