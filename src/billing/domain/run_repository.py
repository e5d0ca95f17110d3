"""RunRepository and RunWork: the rows of billing runs; each docstring is the adapters' contract.

Both know only the customers of the Access that the transaction was opened with. A run that touches
another customer does not exist.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from billing.domain.billing_run import ItemKey, NewItem, Run, RunItem, TakenItem
from billing.domain.report_query import Slice
from billing.domain.run_request import RunRequest


class RunRepository(Protocol):
    """Runs, for those who start and watch them. Ids increase and are never reused."""

    def add(self, request: RunRequest, items: Sequence[NewItem], created_at: datetime, /) -> int:
        """Queue a run and return its id; items come in the order in which they shall be taken.

        Raises RunClashError when one of the customers is in a live run for the same period, or
        the same request in another live run.
        """

    def living(self, request: RunRequest, /) -> int | None:
        """Return the id of the live run that the same request started, if there is one."""

    def find(self, run_id: int, /) -> Run:
        """Return the run with its tallies and totals, or raise RunNotFoundError."""

    def page(self, part: Slice, /) -> Iterator[Run]:
        """Return runs, newest first."""

    def count(self) -> int:
        """Return how many runs there are."""

    def items(self, run_id: int, part: Slice, /) -> Iterator[RunItem]:
        """Return the items of a run by customer; none of a run that does not exist."""

    def cancel(self, run_id: int, now: datetime, /) -> bool:
        """End a live run: its live items are cancelled, also those at work, whose reports are
        then dropped. False when the run is not live.
        """

    def retry(self, run_id: int, pins: Mapping[int, int], /) -> int:
        """Queue the failed items of a run again and say how many there were.

        pins: each customer's newest rate card now. The run lives again, unless there were none.
        A cancelled run stays cancelled: 0.
        Raises RunClashError as `add` does.
        """


class RunWork(Protocol):
    """Items, for those who work on them.

    Leases are in whole seconds and by the storage's own clock, so that the clocks of workers do
    not matter. An item whose lease has run out waits like a queued one.
    """

    def waiting(self, limit: int, /) -> list[ItemKey]:
        """Return up to `limit` items that can be taken: early items of all runs first."""

    def backlog(self) -> tuple[int, int]:
        """Return how many live items wait, and how many are at work."""

    def take(
        self, lease_seconds: int, now: datetime, /, *, key: ItemKey | None = None
    ) -> TakenItem | None:
        """Take the first item that waits, or the one named; None when there is none.

        Of several at once each gets another. The item's attempt grows by one, and so does the
        number of tries since it was queued; after MAX_TRIES it does not wait any more. The
        item's run is running from `now` on, unless it was before.
        """

    def renew(self, item: TakenItem, lease_seconds: int, /) -> bool:
        """Begin the lease anew; False when the item is not this attempt's any more."""

    def finish(self, item: TakenItem, report_id: int, milliseconds: int, /) -> None:
        """Move the item to done, with its report: the last statement of the transaction that
        filed it. Raises StaleAttemptError when the item is not this attempt's any more.
        """

    def fail(self, item: TakenItem, error: str, milliseconds: int, /) -> None:
        """Move the item to failed, with the reason. Raises StaleAttemptError."""

    def put_back(self, item: TakenItem, /) -> None:
        """Queue the item again, its tries counted. Raises StaleAttemptError."""

    def tired(self) -> list[ItemKey]:
        """Return the items that nobody works on and that were tried too often."""

    def give_up(self, error: str, /) -> int:
        """Fail the items that are tired, with this reason; say how many there were."""

    def unsettled(self) -> list[int]:
        """Return the ids of live runs that have no live item left."""

    def settle(self, run_id: int, now: datetime, /) -> bool:
        """End a live run without live items: failed if an item is, done otherwise.

        False, and nothing is changed, when there are live items or the run has ended.
        """
