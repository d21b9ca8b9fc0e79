"""The built wheel works on a machine without the checkout, from a package folder that cannot be written."""

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

ROOT = Path(__file__).resolve().parents[1]
Snapshot = dict[Path, tuple[int, int, int]]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A virtual environment with the wheel in it, read-only, that finds everything else in this one."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT, check=True
    )
    [wheel] = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    [site] = (folder / "venv").glob("lib/python*/site-packages")
    # a .pth in a folder that a .pth names is not followed: the checkout stays out of reach
    (site / "locked.pth").write_text(sysconfig.get_path("purelib"))
    pip = [sys.executable, "-m", "pip", "--python", folder / "venv/bin/python", "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", wheel], check=True)
    package = site / "tracelab"
    set_mode(package, 0o555, 0o444)
    yield folder / "venv"
    set_mode(package, 0o755, 0o644)


def set_mode(package: Path, folder_mode: int, file_mode: int) -> None:
    for path in [package, *package.rglob("*")]:
        path.chmod(folder_mode if path.is_dir() else file_mode)


def snapshot(folder: Path) -> Snapshot:
    """Every path under a folder with its inode, size and time, so that even root is seen to write."""
    stats = {path: path.lstat() for path in folder.rglob("*")}
    return {path: (stat.st_ino, stat.st_size, stat.st_mtime_ns) for path, stat in stats.items()}


@pytest.fixture(scope="module")
def world(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, str]]:
    """An empty working folder, the package's folder, and the environment of a fresh user."""
    folder = tmp_path_factory.mktemp("world")
    (folder / "home").mkdir()
    (folder / "work").mkdir()
    environment = {"HOME": str(folder / "home"), "PATH": os.environ["PATH"], "TZ": "UTC"}
    [package] = installed.glob("lib/python*/site-packages/tracelab")
    return folder / "work", package, environment


@pytest.fixture(scope="module")
def ran(installed: Path, world: tuple[Path, Path, dict[str, str]]) -> tuple[str, Snapshot]:
    """What a run of the sample says, and the package's folder before it."""
    work, package, environment = world
    before = snapshot(package)
    command = [installed / "bin/tracelab", "run", package / "sample/home"]
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, before


def test_a_run_tells_the_headlines_of_the_tables_it_built(
    ran: tuple[str, Snapshot], world: tuple[Path, Path, dict[str, str]]
) -> None:
    said, _ = ran
    made = [path.suffix for path in (world[0] / "out").iterdir()]
    with duckdb.connect(str(world[0] / "tracelab.duckdb"), read_only=True) as warehouse:
        counts = [
            warehouse.sql(f"select count(*) from {table}").fetchall()[0][0]
            for table in ("sessions where steps > 0", "requests", "steps", "tool_calls")
        ]
        [(hit_ratio, cost_usd)] = warehouse.sql(
            "select sum(prefix_tokens) filter (where calls = 1) / sum(input_tokens) filter (where calls = 1),"
            " sum(cost_usd) from steps"
        ).fetchall()
        summaries = warehouse.sql(
            "select count(*) from duckdb_tables() where table_name similar to '(summary|compare)_.*'"
        ).fetchall()
    [pooled] = [line for line in said.splitlines() if line.startswith("all ")]
    assert pooled.split() == [
        "all",
        *(f"{count:,}" for count in counts),
        f"{hit_ratio:.1%}",
        f"${cost_usd:,.2f}",
    ]
    assert f"{summaries[0][0]} CSV files and {made.count('.html')} charts in out/" in said
    assert made.count(".csv") == summaries[0][0]
    assert made.count(".html") == made.count(".svg") == made.count(".png") > 0


def test_the_wheel_runs_anywhere_and_writes_only_where_it_should(
    installed: Path, world: tuple[Path, Path, dict[str, str]], ran: tuple[str, Snapshot]
) -> None:
    work, package, environment = world
    report = [installed / "bin/tracelab", "report", "--output", work / "out/report.html"]
    subprocess.run(report, cwd=work, env=environment, check=True)
    assert snapshot(package) == ran[1]
    assert {path.name for path in work.iterdir()} == {"tracelab.duckdb", "out"}
    assert {path.suffix for path in (work / "out").glob("[!.]*")} == {".csv", ".html", ".svg", ".png"}
    assert [path.name for path in (work.parent / "home").iterdir()] == [".cache"]
    assert [path.name for path in (work.parent / "home/.cache").iterdir()] == ["tracelab"]
    assert "API-equivalent cost" in ran[0]


def test_the_wheel_does_not_need_the_checkout(
    installed: Path, world: tuple[Path, Path, dict[str, str]]
) -> None:
    work, package, environment = world
    code = "import sys, tracelab.build as b; print(b.project_folder(), *sys.path, sep='\\n')"
    done = subprocess.run(
        [installed / "bin/python", "-P", "-c", code],
        cwd=work,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    project, *places = done.stdout.splitlines()
    assert Path(project) == package / "dbt"
    assert str(ROOT) not in places


def test_nothing_found_says_where_it_looked_and_how_to_try_the_sample(
    installed: Path, world: tuple[Path, Path, dict[str, str]]
) -> None:
    work, package, environment = world
    done = subprocess.run(
        [installed / "bin/tracelab", "load"],
        cwd=work,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert environment["HOME"] in done.stderr
    assert f"tracelab run {package}/sample/home" in done.stderr
