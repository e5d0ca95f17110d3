"""Composition root: the only place that knows adapters, and the only one that reads the clock."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec

from billing.adapters import legacy
from billing.adapters.celery.queue import CeleryQueue
from billing.adapters.exporters import EXPORTERS
from billing.adapters.memory import MemoryStorage
from billing.adapters.readers import READERS
from billing.domain.billing_run import ItemKey
from billing.domain.bulk_intake import BulkIntake
from billing.domain.errors import MissingExtraError
from billing.domain.keyed_generation import KeyedGeneration
from billing.domain.ports import Clock, Exporters, Storage
from billing.domain.purge import Purge
from billing.domain.rate_book import RateBook
from billing.domain.rate_trial import RateTrial
from billing.domain.reconciliation import Reconciliation
from billing.domain.report_archive import ReportArchive
from billing.domain.report_generator import ReportGenerator
from billing.domain.report_lifecycle import ReportLifecycle
from billing.domain.report_verification import ReportVerification
from billing.domain.run_control import RunControl
from billing.domain.run_observer import RunObserver
from billing.domain.run_queue import RunQueue
from billing.domain.run_worker import RunWorker

__all__ = [
    "READERS",
    "Billing",
    "CeleryQueue",
    "SystemClock",
    "compose",
    "legacy",
    "open_queue",
    "open_storage",
    "work_on_hints",
]


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        """Return the present instant."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Billing:
    """The application: its storage and the use cases over it."""

    storage: Storage
    clock: Clock
    generator: ReportGenerator
    keyed_generation: KeyedGeneration
    archive: ReportArchive
    lifecycle: ReportLifecycle
    verification: ReportVerification
    rate_book: RateBook
    intake: BulkIntake
    rate_trial: RateTrial
    purge: Purge
    runs: RunControl
    run_worker: RunWorker
    reconciliation: Reconciliation


def compose(
    storage: Storage,
    *,
    clock: Clock | None = None,
    exporters: Exporters = EXPORTERS,
    letterhead: str = "Billing",
    queue: RunQueue | str | None = None,
    observer: RunObserver | None = None,
) -> Billing:
    """Wire the use cases to a storage; every part can be swapped by keyword.

    queue: one, or the URL of its broker; None: workers look at the storage by themselves.
    """
    clock = clock or SystemClock()
    if isinstance(queue, str):
        queue = open_queue(queue)
    generator = ReportGenerator(storage, clock, letterhead=letterhead)
    return Billing(
        storage=storage,
        clock=clock,
        generator=generator,
        keyed_generation=KeyedGeneration(storage, clock, generator),
        archive=ReportArchive(storage, exporters),
        lifecycle=ReportLifecycle(storage, clock),
        verification=ReportVerification(storage),
        rate_book=RateBook(storage, clock),
        intake=BulkIntake(storage, clock),
        rate_trial=RateTrial(storage, clock),
        purge=Purge(storage, clock),
        runs=RunControl(storage, clock, queue, observer),
        run_worker=RunWorker(storage, generator, clock, observer=observer),
        reconciliation=Reconciliation(storage),
    )


def open_storage(url: str) -> Storage:
    """Return the storage of a database URL: memory://, sqlite:///… or postgresql+psycopg://….

    Raises MissingExtraError when the packages that the URL needs are not installed.
    """
    if url.startswith("memory:"):
        return MemoryStorage()
    try:
        from billing.adapters.sql.storage import SqlStorage
    except ImportError as error:
        raise MissingExtraError("A database", "sql") from error
    return SqlStorage.open(url)


def open_queue(url: str, *, refill_below: int | None = None) -> CeleryQueue:
    """Return the queue of a broker's URL: redis://…, rediss://…, amqp://… or amqps://….

    refill_below: hint only while fewer hints than these wait. Raises MissingExtraError.
    """
    if find_spec("celery") is None:
        raise MissingExtraError("BILLING_QUEUE_URL", "celery")
    return CeleryQueue(url, refill_below=refill_below)


def work_on_hints(
    url: str,
    concurrency: int,
    attempt: Callable[[ItemKey], object],
    *,
    begin: Callable[[], object],
) -> int:
    """Try the items that hints name, in so many processes, until SIGTERM; return the exit code.

    attempt: tries an item, in which it may find nothing to do; it holds no connection yet. begin:
    called in each of the processes when it starts. Raises MissingExtraError.
    """
    try:
        from billing.adapters.celery import worker
    except ImportError as error:
        raise MissingExtraError("BILLING_QUEUE_URL", "celery") from error
    return worker.work_on_hints(url, concurrency, attempt, begin)
