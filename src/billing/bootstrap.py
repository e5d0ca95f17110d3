"""Composition root: the only place that knows adapters, and the only one that reads the clock."""

from dataclasses import dataclass
from datetime import UTC, datetime

from billing.adapters import legacy
from billing.adapters.exporters import EXPORTERS
from billing.adapters.memory import MemoryStorage
from billing.adapters.readers import READERS
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

__all__ = ["READERS", "Billing", "SystemClock", "compose", "legacy", "open_storage"]


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
    queue: RunQueue | None = None,
    observer: RunObserver | None = None,
) -> Billing:
    """Wire the use cases to a storage; every part can be swapped by keyword."""
    clock = clock or SystemClock()
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
