"""RunWorker: bills one customer of a run at a time, whoever else works on the same run."""

import logging
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from billing.domain.access import Access
from billing.domain.billing_run import ItemKey, StaleAttemptError, TakenItem
from billing.domain.errors import BillingError, ReportConflictError, StorageUnavailableError
from billing.domain.open_transaction import OpenTransaction
from billing.domain.ports import Clock, Repositories, Storage
from billing.domain.report_generator import ReportGenerator
from billing.domain.report_lifecycle import ReportLifecycle
from billing.domain.run_observer import DONE, DROPPED, FAILED, PUT_BACK, RunObserver, Unobserved
from billing.domain.run_settling import settle

LEASE_SECONDS = 30
"""How long an item whose worker died waits for the next one."""

UNEXPECTED = "An internal error occurred; the log has the details"

_EVERYTHING = Access.everything()
_LOG = logging.getLogger(__name__)


class NotFinalError(BillingError):
    """A report that was to be final and cannot be; it is not filed."""

    code = "not_final"


class RunWorker:
    """Takes items, bills them, and stores report and state in one transaction.

    The lease keeps others away while the work goes on, and is renewed as long as it does. It is
    no proof: a worker that stood still for longer than its lease finds its attempt out of date in
    the last statement of its transaction, and all that it did is rolled back.
    """

    def __init__(
        self,
        storage: Storage,
        generator: ReportGenerator,
        clock: Clock,
        *,
        lease_seconds: int = LEASE_SECONDS,
        observer: RunObserver | None = None,
    ) -> None:
        self._storage = storage
        self._generator = generator
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._observer = observer or Unobserved()

    def work(self, key: ItemKey | None = None) -> ItemKey | None:
        """Bill the next item that waits, or the one named; return which, None if none waits.

        Nothing that one customer's data holds is raised: it is kept with the item. Raises
        StorageUnavailableError when the storage cannot even note that.
        """
        with self._storage.transaction(_EVERYTHING) as tx:
            item = tx.run_work.take(self._lease_seconds, self._now(), key=key)
        if item is None:
            return None
        began = time.monotonic_ns()
        try:
            outcome = self._bill(item, began)
        except StaleAttemptError as error:
            _LOG.warning("%s: its work is dropped", error, extra=_facts(item))
            outcome = DROPPED
        milliseconds = _milliseconds_since(began)
        self._observer.attempt_ended(outcome, milliseconds)
        _LOG.info("item %s", outcome, extra=_facts(item, ms=milliseconds))
        self._settle(item.key.run_id)
        return item.key

    def _bill(self, item: TakenItem, began: int) -> str:
        """Bill the item and store that, or why not; return the outcome."""
        try:
            with self._kept(item):
                self._file(item, began)
        except StaleAttemptError:
            raise
        except StorageUnavailableError:
            _LOG.warning("An item is tried again", exc_info=True, extra=_facts(item))
            with self._storage.transaction(_EVERYTHING) as tx:
                tx.run_work.put_back(item)
            return PUT_BACK
        except BillingError as error:
            self._fail(item, str(error), began)
            return FAILED
        except Exception:  # noqa: BLE001 one customer never stops the others
            _LOG.exception("An item failed", extra=_facts(item))
            self._fail(item, UNEXPECTED, began)
            return FAILED
        return DONE

    def _file(self, item: TakenItem, began: int) -> None:
        customer_id = item.key.customer_id
        with (
            self._generator.prepare(
                customer_id,
                item.period,
                services=item.options.services,
                only_unbilled=item.options.only_unbilled,
                access=Access.only([customer_id]),
                cards_up_to=item.cards_up_to,
            ) as prepared,
            self._storage.transaction(_EVERYTHING) as tx,
        ):
            report_id = self._generator.file(prepared, tx).id
            if item.options.finalize:
                self._finalize(item, report_id, tx)
            tx.run_work.finish(item, report_id, _milliseconds_since(began))

    def _finalize(self, item: TakenItem, report_id: int, tx: Repositories) -> None:
        """Make the report final in the same transaction; refused, it is not filed either."""
        lifecycle = ReportLifecycle(OpenTransaction(tx), self._clock)
        try:
            lifecycle.finalize(report_id, author=item.author)
        except ReportConflictError as error:
            # Its number names nothing once it is rolled back.
            reason = re.sub(rf"report {report_id}\b", "this report", str(error))
            raise NotFinalError(reason) from error

    def _fail(self, item: TakenItem, error: str, began: int) -> None:
        with self._storage.transaction(_EVERYTHING) as tx:
            tx.run_work.fail(item, error, _milliseconds_since(began))

    def _settle(self, run_id: int) -> None:
        """End the run if this was its last item.

        In a transaction of its own: of two that finish the last two items at once, each would see
        the other's as not finished.
        """
        with self._storage.snapshot(_EVERYTHING) as view:
            if run_id not in view.run_work.unsettled():
                return
        settle(self._storage, [run_id], self._now(), self._observer)

    def _now(self) -> datetime:
        return self._clock.now().replace(microsecond=0)

    @contextmanager
    def _kept(self, item: TakenItem) -> Iterator[None]:
        """Renew the lease for as long as the work on the item goes on."""
        over = threading.Event()

        def renew() -> None:
            while not over.wait(self._lease_seconds // 3 or 1):
                try:
                    with self._storage.transaction(_EVERYTHING) as tx:
                        if not tx.run_work.renew(item, self._lease_seconds):
                            return
                except StorageUnavailableError:
                    _LOG.warning("A lease was not renewed", exc_info=True, extra=_facts(item))

        keeper = threading.Thread(target=renew, name="lease", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            over.set()
            keeper.join()


def _facts(item: TakenItem, **more: object) -> dict[str, object]:
    """Return what a log line of the item tells, as fields; the request is the run's own."""
    facts = {**item.key._asdict(), "attempt": item.attempt, "request_id": item.author.request_id}
    return {"facts": facts | more}


def _milliseconds_since(began: int) -> int:
    return (time.monotonic_ns() - began) // 1_000_000
