"""A storage that crashes when told: in the middle of a transaction, at its end, or just after."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from typing import Any, NamedTuple, cast

from billing.domain.access import Access
from billing.domain.ports import Repositories, Storage


class Crash(BaseException):  # Nothing handles it, as nothing handles a process that ends.
    """The process ended here, as far as the storage can tell."""


class CrashPoint(NamedTuple):
    """Where it crashes: at a call of a repository, counted from 0 over the transactions of a
    command; or when the last of so many has committed and nobody was told yet.
    """

    call: int | None = None
    commit: int | None = None


class CrashingStorage:
    """A storage whose transactions end where `point` says, once."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.point: CrashPoint | None = None
        self.calls = 0
        self.commits = 0

    def arm(self, point: CrashPoint | None) -> None:
        """Begin to count; None never crashes."""
        self.point, self.calls, self.commits = point, 0, 0

    @contextmanager
    def transaction(self, access: Access, /) -> Iterator[Repositories]:
        """Open a transaction that may not live to its end."""
        with self._storage.transaction(access) as tx:
            yield cast(Repositories, _Watched(tx, self))
            self.step()
        self.commits += 1
        if self.point is not None and self.point.commit == self.commits:
            self._crash()

    @contextmanager
    def snapshot(self, access: Access, /) -> Iterator[Repositories]:
        """Open a reading view; nothing is lost there."""
        with self._storage.snapshot(access) as view:
            yield view

    def step(self) -> None:
        """Count a call, or the beginning of a commit, and crash if this is the one."""
        if current_thread() is not main_thread():  # A lease is renewed beside the work.
            return
        self.calls += 1
        if self.point is not None and self.point.call == self.calls - 1:
            self._crash()

    def _crash(self) -> None:
        self.point = None
        raise Crash


class _Watched:
    """Repositories, or one of them, whose calls are counted before they are made."""

    def __init__(self, watched: Any, storage: CrashingStorage) -> None:
        self._watched = watched
        self._storage = storage

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._watched, name)
        if not callable(found):
            return _Watched(found, self._storage)

        def call(*args: Any, **options: Any) -> Any:
            self._storage.step()
            return found(*args, **options)

        return call
