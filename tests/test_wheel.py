"""The built wheel works on a machine without the checkout, from a package folder that cannot be written."""

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

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


def test_the_wheel_runs_anywhere_and_writes_only_where_it_should(
    installed: Path, world: tuple[Path, Path, dict[str, str]]
) -> None:
    work, package, environment = world
    before = snapshot(package)
    command = [installed / "bin/tracelab", "run", package / "sample/home"]
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = [installed / "bin/tracelab", "report", "--output", work / "out/report.html"]
    subprocess.run(report, cwd=work, env=environment, check=True)
    assert snapshot(package) == before
    assert {path.name for path in work.iterdir()} == {"tracelab.duckdb", "out"}
    assert {path.suffix for path in (work / "out").glob("[!.]*")} == {".csv", ".html", ".svg", ".png"}
    assert [path.name for path in (work.parent / "home").iterdir()] == [".cache"]
    assert [path.name for path in (work.parent / "home/.cache").iterdir()] == ["tracelab"]
    assert "API-equivalent cost" in done.stdout


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
