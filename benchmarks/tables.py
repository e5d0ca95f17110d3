"""Tables: a run in Markdown, which also reads well on a terminal."""

from collections.abc import Iterable, Iterator, Sequence

from benchmarks import names
from benchmarks.goals import Goal, Verdict, growths, verdicts
from benchmarks.measuring import Result
from benchmarks.results import Report

Cells = Sequence[str]


def everything(report: Report) -> str:
    """Return all tables with their headings."""
    quick = " Quick: small sizes, so the goals are indications." if report.is_quick else ""
    lines = [
        f"Measured on {report.day}: {report.machine}; {report.orders} orders.{quick}",
        "",
        "### Against the floors",
        "",
        *works_table(report.results),
        "",
        "### Goals",
        "",
        *goals_table(report.results),
        "",
        "### Growth",
        "",
        *growth_table(report.results),
    ]
    return "\n".join(lines) + "\n"


def works_table(results: Iterable[Result]) -> Iterator[str]:
    """Return one row for each floor of each work: medians, and ratios of neighbouring runs."""
    head = ("Work", "On", "Size", "Product", "Floor", "Its time", "Ratio", "CPU ratio")
    rows = [
        (
            result.work,
            result.on,
            f"{result.size:,}",
            duration(result.wall()),
            floor,
            duration(result.wall(floor)),
            f"{result.ratio(floor):.2f}",
            f"{result.cpu_ratio(floor):.2f}",
        )
        for result in results
        for floor in result.floors
    ]
    return _table(head, rows, right={2, 3, 5, 6, 7})


def goals_table(results: Iterable[Result]) -> Iterator[str]:
    """Return one row for each goal and each database."""
    head = ("Work", "On", "Size", "Goal", "Measured", "Met")
    rows = [
        (
            verdict.goal.work,
            verdict.result.on,
            f"{verdict.result.size:,}",
            verdict.goal.text,
            _shown(verdict.goal, verdict.figure),
            "yes" if verdict.is_met else "**no**",
        )
        for verdict in verdicts(results)
    ]
    return _table(head, rows, right={2, 4})


def growth_table(results: Sequence[Result]) -> Iterator[str]:
    """Return one row for each work and database, with time and memory at each size."""
    grown = growths(results)
    sizes = sorted({result.size for row in grown.values() for result in row})
    head = ("Work", "On", *(f"{size:,}" for size in sizes))
    rows = [
        (work, on, *(_grown({result.size: result for result in row}.get(size)) for size in sizes))
        for (work, on), row in grown.items()
    ]
    return _table(head, rows, right=set(range(2, len(head))))


def missed(report: Report) -> list[Verdict]:
    """Return the goals that a run did not meet."""
    return [verdict for verdict in verdicts(report.results) if not verdict.is_met]


def duration(seconds: float) -> str:
    """Write a time with three digits that count."""
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "us")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e6:.3g} us"


def _grown(result: Result | None) -> str:
    if result is None or not result.samples:
        return ""
    memory = result.extra.get(names.ADDED_MB)
    shown = "" if memory is None else f", {memory:.0f} MB"
    return f"{result.cpu() / result.size * 1e6:.1f} us{shown}"


def _shown(goal: Goal, figure: float) -> str:
    if goal.kind in {"wall", "cpu"}:
        return duration(figure)
    if goal.kind == "extra":
        return f"{figure:.1f} {'ms' if goal.name == names.P99_MS else 'MB'}"
    return f"{figure:.2f} x"


def _table(head: Cells, rows: Sequence[Cells], *, right: set[int]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    rule = ["-" * (width - 1) + (":" if at in right else "-") for at, width in enumerate(widths)]
    for cells in (head, rule, *rows):
        padded = [
            cell.rjust(width) if at in right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        yield f"| {' | '.join(padded)} |"
