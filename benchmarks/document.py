"""Document: puts a run's tables and chart into docs/performance.md, so that they are true.

`python -m benchmarks.document var/benchmarks` takes them from the folder of the last run.
"""

import re
import shutil
import sys
from pathlib import Path

from benchmarks import results, tables

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/performance.md"
MEASURED = ROOT / "docs/performance.json"
CHART = ROOT / "docs/performance.svg"
_RESULTS = re.compile(r"(<!-- results -->\n).*(<!-- end of results -->)", re.DOTALL)


def fill(folder: Path) -> None:
    """Copy what a run found, and write its tables between the page's two marks."""
    shutil.copy(folder / "results.json", MEASURED)
    shutil.copy(folder / "ratios.svg", CHART)
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def filled(page: str) -> str:
    """Return the page with the tables of the results that lie beside it."""
    written = tables.everything(results.load(MEASURED))
    return _RESULTS.sub(lambda match: f"{match[1]}\n{written}\n{match[2]}", page)


if __name__ == "__main__":
    fill(Path(sys.argv[1]))
