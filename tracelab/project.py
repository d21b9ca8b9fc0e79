"""Where the dbt project is that this package carries: models, macros, and the seeds that code reads too."""

from pathlib import Path


def project_folder() -> Path:
    """Return the dbt project: inside an installed package, or at the root of a checkout."""
    package = Path(__file__).parent
    carried = package / "dbt"
    return carried if carried.is_dir() else package.parent
