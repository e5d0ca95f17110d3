"""Goals: how fast and how small the product should be, as data, and how a run stands to them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

from benchmarks import names
from benchmarks.measuring import Result

Kind = Literal["ratio", "wall", "cpu", "extra", "growth"]

A_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Goal:
    """One figure of one work, at most so much.

    kind: what is compared. text: the goal in words. name: the floor of a ratio, or which extra
    figure. on: the database that it holds for; None: any.
    """

    work: str
    kind: Kind
    at_most: float
    text: str
    name: str = ""
    on: str | None = None

    def figure(self, result: Result) -> float | None:
        """Return what was measured; None when this result says nothing about it."""
        if result.work != self.work or self.on not in {None, result.on}:
            return None
        if self.kind == "extra":
            return result.extra.get(self.name)
        if self.kind == "ratio":
            return result.ratio(self.name) if self.name in result.samples else None
        if not result.samples:
            return None
        return result.wall() if self.kind == "wall" else result.cpu()


def _ratio(work: str, floor: str, at_most: float, text: str, on: str | None = None) -> Goal:
    return Goal(work, "ratio", at_most, text, floor, on)


def _hello(work: str) -> tuple[Goal, ...]:
    return (
        _ratio(work, "hello", 6.0, "at least a sixth of hello", "sqlite"),
        _ratio(work, "hello", 8.0, "at least an eighth of hello", "postgresql"),
        Goal(work, "extra", 25.0, "p99 under 25 ms at 16 clients", names.P99_MS),
    )


GOALS = (
    _ratio(names.IMPORT_NDJSON, "parse and insert", 2.5, "2.5 x parsing once and inserting"),
    _ratio(names.GENERATE, "pages", 1.6, "1.6 x the pages floor"),
    _ratio(names.DETAIL, "pages", 2.0, "2 x inflating the pages"),
    _ratio(names.DETAIL, "rows", 0.1, "a tenth of reading rows and one json.dumps"),
    _ratio(names.CSV_DOWNLOAD, "rows", 1.3, "1.3 x reading rows and csv.writer"),
    _ratio(names.PDF_PAGE, "reportlab", 1 / 1.5, "1.5 x as fast as reportlab's canvas"),
    Goal(names.PDF_PAGE, "cpu", 1 / 400, "400 pages a second"),
    *_hello(names.PAGE_OF_20),
    *_hello(names.CUSTOMERS_20),
    _ratio(names.GUARDED, "hello", 2.2, "at least 1 / 2.2 of hello"),
    Goal(names.SUMMARY, "wall", 0.150, "150 ms"),
    Goal(names.IMPORT_LIBRARY, "wall", 0.050, "50 ms"),
    Goal(names.HELP, "wall", 0.150, "150 ms"),
    *(
        Goal(work, "extra", 32.0, "32 MB added, whatever the size", names.ADDED_MB)
        for work in (*names.OVER_ORDERS, *names.ASIDE, names.PDF_PAGE, *names.OVER_REPORTS)
    ),
)
LINEAR = tuple(
    Goal(work, "growth", 1.15, "a million orders: an order takes 1.15 x what it took before")
    for work in names.OVER_ORDERS
)


class Verdict(NamedTuple):
    """How one figure stands to its goal."""

    goal: Goal
    result: Result
    figure: float

    @property
    def is_met(self) -> bool:
        """Tell whether the goal is met."""
        return self.figure <= self.goal.at_most


def verdicts(results: Iterable[Result]) -> Iterator[Verdict]:
    """Judge every figure that there is a goal for, in the goals' order."""
    found = sorted(results, key=lambda result: (result.on, result.size))
    for goal in GOALS:
        for result in found:
            figure = goal.figure(result)
            if figure is not None:
                yield Verdict(goal, result, figure)
    for goal in LINEAR:
        for smaller, larger in pairwise(found):
            if _is_growth(goal, smaller, larger):
                yield Verdict(goal, larger, _per_order(larger) / _per_order(smaller))


def growths(results: Sequence[Result]) -> dict[tuple[str, str], list[Result]]:
    """Return the works that were measured at several sizes, by work and database."""
    found: dict[tuple[str, str], list[Result]] = {}
    for result in sorted(results, key=lambda result: result.size):
        if result.work in names.OVER_ORDERS:
            found.setdefault((result.work, result.on), []).append(result)
    return {key: sizes for key, sizes in found.items() if len(sizes) > 1}


def _is_growth(goal: Goal, smaller: Result, larger: Result) -> bool:
    same = (smaller.work, smaller.on) == (larger.work, larger.on) == (goal.work, larger.on)
    return same and larger.size >= A_MILLION > smaller.size


def _per_order(result: Result) -> float:
    """Return the processor time of one order, which a busy machine changes least."""
    return result.cpu() / result.size
