"""Turns: the writers of one process take SQLite's one write lock in the order they came."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from billing.domain.errors import StorageBusyError


class Turns:
    """A queue with room for one at its head.

    SQLite itself has no queue: who waits asks again now and then, and one that writes call after
    call was seen to keep another out for more than 5 s. Waiting here takes no connection either.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._is_taken = False

    @contextmanager
    def one(self, seconds: float) -> Iterator[None]:
        """Wait for a turn and have it; raise StorageBusyError when it does not come in time."""
        turn = self._queued()
        if turn is not None and not turn.wait(seconds):
            with self._lock:
                if not turn.is_set():  # Else it came in this very moment.
                    self._waiting.remove(turn)
                    raise StorageBusyError
        try:
            yield
        finally:
            self._pass_on()

    def _queued(self) -> threading.Event | None:
        """Return what tells when the turn comes; None when it is there."""
        with self._lock:
            if not self._is_taken:
                self._is_taken = True
                return None
            turn = threading.Event()
            self._waiting.append(turn)
            return turn

    def _pass_on(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._is_taken = False
