"""RunControl: starts, finds, cancels and retries billing runs."""

import logging
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from functools import partial

from billing.domain.access import Access
from billing.domain.billing_run import (
    MAX_TRIES,
    ItemKey,
    ItemState,
    NewItem,
    Run,
    RunClashError,
    RunItem,
    RunState,
    RunStateError,
)
from billing.domain.errors import (
    BillingError,
    CustomerNotFoundError,
    InvalidValueError,
    ServiceNotFoundError,
)
from billing.domain.ports import Clock, Repositories, Storage
from billing.domain.report_query import Slice
from billing.domain.retries import retried
from billing.domain.run_observer import RunObserver, Unobserved
from billing.domain.run_queue import NoHints, RunQueue
from billing.domain.run_request import RunRequest
from billing.domain.run_settling import settle

GIVEN_UP = (
    f"Tried {MAX_TRIES} times: each time its worker ended, or the storage was unavailable, "
    "before the report was filed"
)
IDS_A_LOOK_UP = 1_000
HINTS_A_SWEEP = 1_000

_LOG = logging.getLogger(__name__)


class NothingToBillError(BillingError):
    """A run that would have no customer."""

    code = "nothing_to_bill"

    def __init__(self, *, unbilled: bool = False) -> None:
        kind = "unbilled orders" if unbilled else "orders"
        super().__init__(f"No customer has {kind} in this period")


class RunControl:
    """Starts runs and says how far they are; workers do the work, wherever they are."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        queue: RunQueue | None = None,
        observer: RunObserver | None = None,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._queue = queue or NoHints()
        self._observer = observer or Unobserved()

    def start(self, request: RunRequest, *, access: Access | None = None) -> Run:
        """Queue a run, or find the live one that the same request started.

        Without named customers it takes those that have orders in the period; `only_unbilled`,
        those that have unbilled ones. Rate cards put from now on do not count in it. Raises
        CustomerNotFoundError, ServiceNotFoundError, NothingToBillError, and RunClashError when a
        customer is in another live run for the same period.
        """
        _check_options(request)
        access = access or Access.everything()
        try:
            run, keys = retried(partial(self._add, request, access))
        except RunClashError:
            # Whoever was first has committed by now: it may have been the same request.
            run, keys = retried(partial(self._add, request, access))
        if keys:
            _tell(run, "queued")
        self._hint(keys)
        return run

    def find(self, run_id: int, *, access: Access | None = None) -> Run:
        """Return a run, or raise RunNotFoundError."""
        with self._storage.snapshot(access or Access.everything()) as view:
            return view.runs.find(run_id)

    def items(self, run_id: int, *, access: Access | None = None) -> Iterator[RunItem]:
        """Stream the items of a run by customer, or raise RunNotFoundError."""
        with self._storage.snapshot(access or Access.everything()) as view:
            view.runs.find(run_id)
            yield from view.runs.items(run_id, Slice())

    def cancel(self, run_id: int, *, access: Access | None = None) -> Run:
        """Cancel a live run: what is done stays, nothing more is filed.

        A cancelled run is answered as it is. Raises RunNotFoundError, RunStateError.
        """
        run, cancelled = retried(partial(self._cancel, run_id, access or Access.everything()))
        if cancelled:
            _tell(run, "cancelled")
        return run

    def retry(self, run_id: int, *, access: Access | None = None) -> Run:
        """Queue the failed items of a run again, priced by the rate cards in force now.

        Raises RunNotFoundError, RunStateError when none has failed or the run is cancelled, and
        RunClashError.
        """
        run, keys = retried(partial(self._retry, run_id, access or Access.everything()))
        _tell(run, "queued again")
        self._hint(keys)
        return run

    def sweep(self) -> int:
        """Mend what dead workers and lost hints left behind; return how many items wait.

        Items that were tried too often fail, runs without live items end, and waiting items are
        hinted again. Safe at any time, from any number of processes.
        """
        with self._storage.snapshot(Access.everything()) as view:
            unsettled = view.run_work.unsettled()
            waiting = view.run_work.waiting(HINTS_A_SWEEP)
            tired = view.run_work.tired()
        if tired or unsettled:
            with self._storage.transaction(Access.everything()) as tx:
                given_up = tx.run_work.give_up(GIVEN_UP)
                unsettled = tx.run_work.unsettled()
            if given_up:
                facts = {"items": given_up, "runs": sorted({key.run_id for key in tired})}
                _LOG.error("Customers are given up", extra={"facts": facts})
                self._observer.items_given_up(given_up)
            settle(self._storage, unsettled, self._now(), self._observer)
        self._hint(waiting)
        return len(waiting)

    def _add(self, request: RunRequest, access: Access) -> tuple[Run, Sequence[ItemKey]]:
        with self._storage.transaction(access) as tx:
            living = tx.runs.living(request)
            if living is not None:
                return tx.runs.find(living), ()
            items = _items(tx, request)
            run_id = tx.runs.add(request, items, self._now())
            return tx.runs.find(run_id), [ItemKey(run_id, item.customer_id) for item in items]

    def _cancel(self, run_id: int, access: Access) -> tuple[Run, bool]:
        with self._storage.transaction(access) as tx:
            cancelled = tx.runs.cancel(run_id, self._now())
            run = tx.runs.find(run_id)  # Not before: somebody else may have moved it meanwhile.
            if run.state is not RunState.CANCELLED:
                raise RunStateError(f"Run {run_id} is {run.state}: there is nothing to cancel")
            return run, cancelled

    def _retry(self, run_id: int, access: Access) -> tuple[Run, Sequence[ItemKey]]:
        with self._storage.transaction(access) as tx:
            queued = tx.runs.retry(run_id, tx.rate_cards.newest())
            run = tx.runs.find(run_id)  # Not before: somebody else may have moved it meanwhile.
            if run.state is RunState.CANCELLED:
                raise RunStateError(f"Run {run_id} is cancelled: start another one")
            if not queued:
                raise RunStateError(f"Run {run_id} has no failed items")
            items = tx.runs.items(run_id, Slice())
            waiting = [item for item in items if item.state is ItemState.QUEUED]
            return run, [ItemKey(run_id, item.customer_id) for item in waiting]

    def _hint(self, keys: Sequence[ItemKey]) -> None:
        if not keys:
            return
        try:
            self._queue.hint(keys)
        except Exception:  # noqa: BLE001 whatever a queue raises, the run is started
            # The items are committed: the next sweep hints again.
            _LOG.exception("The queue took no hint of %d items", len(keys))

    def _now(self) -> datetime:
        return self._clock.now().replace(microsecond=0)


def _tell(run: Run, how: str) -> None:
    """Log what became of a run; the line of a request's log has the request's id beside it."""
    _LOG.info("run %s", how, extra={"facts": {"run_id": run.id, "items": run.total}})


def _check_options(request: RunRequest) -> None:
    if request.options.finalize and request.options.services:
        raise InvalidValueError("A partial report cannot become final.", field="finalize")


def _check_services(tx: Repositories, services: Collection[int]) -> None:
    known = tx.services.known(services) if services else {}
    for service_id in services:
        if service_id not in known:
            raise ServiceNotFoundError(service_id)


def _items(tx: Repositories, request: RunRequest) -> list[NewItem]:
    """Return the items of a run, the customer with the most orders first."""
    _check_services(tx, request.options.services or ())
    orders = tx.orders.counts_in(request.period, unbilled=request.options.only_unbilled)
    if request.customers is None:
        customers = list(orders)
    else:
        customers = sorted(set(request.customers))
        for first in range(0, len(customers), IDS_A_LOOK_UP):
            asked = customers[first : first + IDS_A_LOOK_UP]
            known = tx.customers.known(asked)
            missing = next((key for key in asked if key not in known), None)
            if missing is not None:
                raise CustomerNotFoundError(missing)
    if not customers:
        raise NothingToBillError(unbilled=request.options.only_unbilled)
    newest = tx.rate_cards.newest()
    items = [NewItem(key, orders.get(key, 0), newest.get(key, 0)) for key in customers]
    return sorted(items, key=lambda item: (-item.orders, item.customer_id))
