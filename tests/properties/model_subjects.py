"""What the model is run against: an application on each storage there is, with crashes."""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from billing.adapters.memory import MemoryStorage
from billing.adapters.sql.storage import SqlStorage
from billing.adapters.sql.tables import metadata
from billing.bootstrap import compose
from billing.domain.document import ReportDocument
from billing.domain.errors import BillingError
from billing.domain.pages import SECTIONS
from billing.domain.ports import Storage
from billing.domain.run_worker import RunWorker
from billing.testing.world import TickingClock
from tests.properties.crashing import Crash, CrashingStorage, CrashPoint

NUMBERED = ("reports", "rate_cards", "runs")


class Refusal(NamedTuple):
    """A refusal as its caller sees it."""

    name: str
    text: str


class Crashed(NamedTuple):
    """What is known of a command that crashed. commits: the transactions that it had done."""

    commits: int


class Subject:
    """An application on a storage that crashes when told, and can be opened again.

    level: called after what may have rolled back, so that numbers that a sequence has lost then
    are no difference.
    """

    def __init__(
        self, name: str, opened: Callable[[], Storage], level: Callable[[], None] | None = None
    ) -> None:
        self.name = name
        self.clock = TickingClock()
        self.level = level or (lambda: None)
        self._opened = opened
        self.open()

    def open(self) -> None:
        """Open the storage and wire the application to it."""
        self._real = self._opened()
        self.storage = CrashingStorage(self._real)
        self.app = compose(self.storage, clock=self.clock)
        # Nobody waits for the lease of a worker that crashed.
        generator = self.app.generator
        self.worker = RunWorker(self.storage, generator, self.clock, lease_seconds=0)

    def close(self) -> None:
        """Close what can be closed."""
        if isinstance(self._real, SqlStorage):
            self._real.close()

    def run(self, command: Callable[["Subject"], object], point: CrashPoint | None) -> Any:
        """Return what a command answers, how it is refused, or that it crashed."""
        self.storage.arm(point)
        try:
            return command(self)
        except BillingError as error:
            return Refusal(type(error).__name__, str(error))
        except Crash:
            return Crashed(self.storage.commits)
        finally:
            self.storage.arm(None)
            self.level()


def digest(document: ReportDocument) -> str:
    """Return the hash of every byte of a stored report."""
    sections = (b",".join(document.section(section)) for section in SECTIONS)
    return hashlib.sha256(b"\n".join(sections)).hexdigest()


@contextmanager
def sqlite_subjects(folder: Path) -> Iterator[Callable[[], Subject]]:
    """Yield what makes a subject on an empty SQLite database."""
    first, used = folder / "empty.db", folder / "model.db"
    storage = SqlStorage.open(f"sqlite:///{first}")
    storage.upgrade()
    storage.close()

    def subject() -> Subject:
        for left in folder.glob("model.db*"):
            left.unlink()
        shutil.copy(first, used)
        return Subject("sqlite", partial(SqlStorage.open, f"sqlite:///{used}"))

    yield subject


@contextmanager
def postgres_subjects(url: str) -> Iterator[Callable[[], Subject]]:
    """Yield what makes a subject on an empty PostgreSQL database."""
    storage = SqlStorage.open(url)
    storage.upgrade()
    storage.close()
    tables = ", ".join(table.name for table in metadata.sorted_tables)
    empty = f"TRUNCATE {tables} RESTART IDENTITY CASCADE"
    level = "; ".join(
        f"SELECT setval(pg_get_serial_sequence('{name}', 'id'),"  # noqa: S608 our own names
        f" (SELECT coalesce(max(id), 0) + 1 FROM {name}), false)"
        for name in NUMBERED
    )
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:

        def subject() -> Subject:
            connection.execute(empty)
            return Subject("postgresql", partial(SqlStorage.open, url), lambda: _run(level))

        def _run(statement: str) -> None:
            connection.execute(statement)

        yield subject


@contextmanager
def memory_subjects() -> Iterator[Callable[[], Subject]]:
    """Yield what makes a subject in memory; opened again, it is the same one."""

    def subject() -> Subject:
        storage = MemoryStorage()
        return Subject("memory", lambda: storage)

    yield subject
