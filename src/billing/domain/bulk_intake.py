"""BulkIntake: many rows in one transaction, all or nothing, with a verdict on every row."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, Protocol, TypeVar

from billing.domain.access import Access
from billing.domain.audit import Author, Change, Signature
from billing.domain.errors import BillingError, InvalidValueError
from billing.domain.ports import Clock, Repositories, Rows, Storage
from billing.domain.repositories import Outcome

ROWS_A_BATCH = 500
MAX_ERRORS_SHOWN = 100

T = TypeVar("T")


class Cells(dict[str, str]):
    """A row whose values are all text, as a CSV file gives it: empty cells are missing."""


class InvalidRowError(BillingError):
    """One row that cannot be taken, with everything that is wrong with it."""

    code = "invalid_row"

    def __init__(self, *problems: InvalidValueError) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


class RowError(NamedTuple):
    """One thing wrong with one row. row: from 1. field: None when the row is unreadable."""

    row: int
    field: str | None
    error: str


@dataclass(slots=True)
class IntakeResult:
    """What one call did: every row received is created, updated, unchanged or skipped.

    errors: the first 100. ignored_columns: CSV columns that nothing knows, in their order.
    """

    received: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    errors: list[RowError] = field(default_factory=list)
    ignored_columns: list[str] = field(default_factory=list)


class RowsRefusedError(BillingError):
    """A call with invalid rows: nothing of it was stored."""

    code = "rows_refused"

    def __init__(self, result: IntakeResult) -> None:
        super().__init__(f"{result.skipped} of {result.received} rows are invalid")
        self.result = result


class RowKind(Protocol[T]):
    """What the rows of a call are: how a batch is read, known apart, and saved."""

    @property
    def key_field(self) -> str:
        """The field that a repeated key is reported at."""

    @property
    def ignored_columns(self) -> list[str]:
        """The CSV columns met so far that nothing knows."""

    def begin(self, row: dict[str, object], /) -> dict[str, object]:
        """Return a row as `read` takes it, the bulk of it read already.

        Called for each row when it has just been parsed: what a whole batch of parsed orders holds
        is more than a processor's cache does, and a quarter slower to read later.
        """

    def read(
        self, tx: Repositories, rows: Sequence[dict[str, object]], /
    ) -> Sequence[T | InvalidRowError]:
        """Read a batch; look up what its rows refer to in a fixed number of statements."""

    def key(self, value: T, /) -> Hashable:
        """Return what the object is known by."""

    def save(self, tx: Repositories, values: Sequence[T], /) -> Sequence[Outcome]:
        """Insert or replace a batch."""

    def changes(self) -> Sequence[Change]:
        """Return what was changed in all, for the audit trail; asked once, in the end."""


class BulkIntake:
    """Takes rows in. One call is one transaction, and is recorded in it."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    def store(
        self,
        rows: Rows,
        kind: RowKind[T],
        *,
        access: Access | None = None,
        author: Author | None = None,
        skip_invalid: bool = False,
        dry_run: bool = False,
    ) -> IntakeResult:
        """Insert or replace what the rows say, in batches, and count what happened.

        skip_invalid: store the good rows and list the bad ones; otherwise a bad row raises
        RowsRefusedError and nothing is stored. dry_run: do all of it, then keep nothing.
        """
        result = IntakeResult()
        try:
            with self._storage.transaction(access or Access.everything()) as tx:
                _Call(tx, kind, result, skip_invalid=skip_invalid).run(rows)
                sign = Signature.of(author, self._clock.now()).sign
                tx.audit.record_all([sign(change) for change in kind.changes()])
                if dry_run:
                    raise _RollBack
        except _RollBack:
            pass
        return result


class _RollBack(Exception):  # noqa: N818 not an error: the way out of a transaction that keeps nothing
    pass


class _Call(Generic[T]):
    """One call under way."""

    def __init__(
        self, tx: Repositories, kind: RowKind[T], result: IntakeResult, *, skip_invalid: bool
    ) -> None:
        self._tx = tx
        self._kind = kind
        self._result = result
        self._skip_invalid = skip_invalid
        self._keys: set[Hashable] = set()

    def run(self, rows: Rows) -> None:
        for batch in _batches(rows, self._kind.begin):
            self._take(batch)
        self._result.ignored_columns = self._kind.ignored_columns
        if self._result.skipped and not self._skip_invalid:
            raise RowsRefusedError(self._result)

    def _take(self, batch: list[object]) -> None:
        first = self._result.received + 1
        self._result.received += len(batch)
        readable = [row for row in batch if isinstance(row, dict)]
        verdicts = iter(self._kind.read(self._tx, readable))
        good = []
        for number, row in enumerate(batch, start=first):
            verdict = next(verdicts) if isinstance(row, dict) else _unreadable(row)
            if not isinstance(verdict, InvalidRowError):
                verdict = self._unrepeated(verdict)
            if isinstance(verdict, InvalidRowError):
                self._refuse(number, verdict)
            else:
                good.append(verdict)
        if good and (self._skip_invalid or not self._result.skipped):
            self._count(self._kind.save(self._tx, good))

    def _unrepeated(self, value: T) -> T | InvalidRowError:
        key = self._kind.key(value)
        if key in self._keys:
            problem = InvalidValueError("Given twice in this call; give each object once.")
            return InvalidRowError(problem.at(self._kind.key_field))
        self._keys.add(key)
        return value

    def _refuse(self, number: int, verdict: InvalidRowError) -> None:
        self._result.skipped += 1
        room = MAX_ERRORS_SHOWN - len(self._result.errors)
        self._result.errors += [
            RowError(number, problem.field, problem.problem) for problem in verdict.problems[:room]
        ]

    def _count(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            if outcome is Outcome.CREATED:
                self._result.created += 1
            elif outcome is Outcome.UPDATED:
                self._result.updated += 1
            else:
                self._result.unchanged += 1


def _unreadable(row: object) -> InvalidRowError:
    if isinstance(row, InvalidValueError):
        return InvalidRowError(row)
    return InvalidRowError(InvalidValueError("Not a JSON object."))


def _batches(
    rows: Rows, begin: Callable[[dict[str, object]], dict[str, object]]
) -> Iterator[list[object]]:
    batch: list[object] = []
    for row in rows:
        batch.append(begin(row) if isinstance(row, dict) else row)
        if len(batch) == ROWS_A_BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
