"""Run and RunItem: a billing run over many customers, where it stands, and its legal moves.

A run is one row and each of its customers is an item of it. The rows are the truth: a message in a
queue, if there is one, is a hint that an item waits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from billing.domain.audit import Author
from billing.domain.document import instant_text
from billing.domain.errors import BillingError
from billing.domain.money import check_minor, currency_decimals, to_minor
from billing.domain.period import BillingPeriod
from billing.domain.run_request import RunOptions

MAX_TRIES = 5
"""How often an item is begun before it fails: its workers died, or the storage was away."""


ORDERS_AN_ITEM = 100
"""How many orders cost as much as what is done once an item."""


class RunState(StrEnum):
    """Where a run stands; it lives while it is queued or running."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ItemState(StrEnum):
    """Where one customer of a run stands; the item lives while it is queued or running."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


RUN_MOVES: Mapping[RunState, frozenset[RunState]] = {
    RunState.QUEUED: frozenset({RunState.RUNNING, RunState.CANCELLED}),
    RunState.RUNNING: frozenset({RunState.DONE, RunState.FAILED, RunState.CANCELLED}),
    RunState.FAILED: frozenset({RunState.QUEUED}),
    RunState.DONE: frozenset(),
    RunState.CANCELLED: frozenset(),
}
"""Which states follow which; a retry queues a failed run again."""

ITEM_MOVES: Mapping[ItemState, frozenset[ItemState]] = {
    ItemState.QUEUED: frozenset({ItemState.RUNNING, ItemState.CANCELLED, ItemState.FAILED}),
    ItemState.RUNNING: frozenset(ItemState) - {ItemState.RUNNING},
    ItemState.FAILED: frozenset({ItemState.QUEUED}),
    ItemState.DONE: frozenset(),
    ItemState.CANCELLED: frozenset(),
}
"""Which states follow which; a running item that is put back is queued again."""

LIVE_RUNS = frozenset({RunState.QUEUED, RunState.RUNNING})
LIVE_ITEMS = frozenset({ItemState.QUEUED, ItemState.RUNNING})


class ItemKey(NamedTuple):
    """Names an item: a customer of a run."""

    run_id: int
    customer_id: int


class NewItem(NamedTuple):
    """An item that is to be queued.

    orders: how many orders the customer has in the period, to start with the largest.
    cards_up_to: the customer's newest rate card now; later ones do not price the item.
    """

    customer_id: int
    orders: int
    cards_up_to: int


class RunItem(NamedTuple):
    """One customer of a run. report_id: once it is done; error: why it failed, in words."""

    customer_id: int
    state: ItemState
    report_id: int | None
    error: str | None

    def as_json(self) -> dict[str, Any]:
        """Return the item as the API shows it."""
        return self._asdict()


class TakenItem(NamedTuple):
    """An item that a worker holds by a lease.

    attempt: grows whenever the item is taken; what an older attempt did is never stored.
    """

    key: ItemKey
    attempt: int
    period: BillingPeriod
    options: RunOptions
    author: Author
    cards_up_to: int


class Tally(NamedTuple):
    """The items of a run in one state: how many, with how many orders, and the time they took."""

    items: int = 0
    orders: int = 0
    milliseconds: int = 0

    @property
    def weight(self) -> int:
        """What the items cost, in orders."""
        return self.orders + self.items * ORDERS_AN_ITEM


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run and how far it is.

    tallies: its items by state. totals: what its reports come to, by currency.
    """

    id: int
    period: BillingPeriod
    options: RunOptions
    state: RunState
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    tallies: Mapping[ItemState, Tally]
    totals: Mapping[str, Decimal]

    @property
    def is_live(self) -> bool:
        """Tell whether work is left."""
        return self.state in LIVE_RUNS

    @property
    def total(self) -> int:
        """The number of its items."""
        return sum(tally.items for tally in self.tallies.values())

    def count(self, state: ItemState) -> int:
        """Return the number of its items in a state."""
        return self.tallies.get(state, Tally()).items

    @property
    def has_failed(self) -> bool:
        """Tell whether one of its customers could not be billed."""
        return self.count(ItemState.FAILED) > 0

    @property
    def eta_seconds(self) -> int | None:
        """How long it will take from now on at the pace so far; None when that is unknown.

        The pace is the time that the done items took, shared by the items at work now. An item's
        own overhead counts as so many orders.
        """
        done, at_work = (self.tallies.get(s, Tally()) for s in (ItemState.DONE, ItemState.RUNNING))
        if not self.is_live or not done.items or not at_work.items:
            return None
        waiting = self.tallies.get(ItemState.QUEUED, Tally())
        left = waiting.weight + at_work.weight
        milliseconds = done.milliseconds * left // (done.weight * at_work.items)
        return -(-milliseconds // 1000)

    def as_json(self) -> dict[str, Any]:
        """Return the run as the API shows it. Raises AmountTooLargeError."""
        for currency, amount in self.totals.items():
            minor = to_minor(amount, currency_decimals(currency))
            check_minor(minor, f"The sum of run {self.id} in {currency}")
        return {
            "id": self.id,
            "state": self.state.value,
            "total": self.total,
            "done": self.count(ItemState.DONE),
            "failed": self.count(ItemState.FAILED),
            "started_at": self.started_at and instant_text(self.started_at),
            "finished_at": self.finished_at and instant_text(self.finished_at),
            "eta_seconds": self.eta_seconds,
            "totals": dict(sorted(self.totals.items())),
            "created_at": instant_text(self.created_at),
            "start_date": self.period.start.isoformat(),
            "end_date": self.period.end.isoformat(),
            "only_unbilled": self.options.only_unbilled,
            "finalize": self.options.finalize,
            **({} if self.options.services is None else {"services": self.options.services}),
        }


class RunNotFoundError(BillingError):
    """No such run, or one that touches a customer that this caller may not see."""

    code = "run_not_found"

    def __init__(self, run_id: int) -> None:
        super().__init__(f"Run {run_id} not found")
        self.run_id = run_id


class RunClashError(BillingError):
    """A customer is in another live run for the same period.

    run_id: the run, None when this caller may not see it.
    """

    code = "run_clash"

    def __init__(self, customer_id: int, run_id: int | None) -> None:
        which = "another run" if run_id is None else f"run {run_id}"
        super().__init__(f"Customer {customer_id} is being billed for this period by {which}")
        self.customer_id = customer_id
        self.run_id = run_id


class RunStateError(BillingError):
    """A move that the run's state does not allow."""

    code = "run_state"


class StaleAttemptError(BillingError):
    """The item was taken over, cancelled or ended meanwhile: what this attempt did is dropped."""

    code = "stale_attempt"

    def __init__(self, item: TakenItem) -> None:
        run_id, customer_id = item.key
        super().__init__(
            f"Attempt {item.attempt} at customer {customer_id} of run {run_id} is out of date"
        )
