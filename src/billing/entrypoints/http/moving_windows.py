"""Moving windows: the rate limit's memory within one process."""

import threading
from collections import OrderedDict, deque
from typing import Any, NoReturn

from limits.storage import MovingWindowSupport, Storage

from billing.domain.ports import Clock

SCHEME = "moving-windows"


class MovingWindows(Storage, MovingWindowSupport):
    """The instants of each client's requests that are still within the window.

    The storage that `limits` brings starts a thread every few milliseconds, never forgets a
    client, and looks through all it has ever seen: 6 ms a request after 10,000 clients.
    """

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012 read by the parent class as it stands

    def __init__(self, uri: str | None = None, *, clock: Clock, **options: Any) -> None:
        super().__init__(uri, **options)
        self._clock = clock
        self._windows: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count a request, or tell that it is over the limit."""
        now = self._clock.now().timestamp()
        with self._lock:
            self._forget(now - expiry)
            window = self._window(key, now - expiry)
            if len(window) + amount > limit:
                return False
            window.extend([now] * amount)
            self._windows[key] = window
            self._windows.move_to_end(key)
            return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """Return when the window's first request came, and how many did."""
        del limit
        now = self._clock.now().timestamp()
        with self._lock:
            window = self._window(key, now - expiry)
            return (window[0], len(window)) if window else (now, 0)

    def check(self) -> bool:
        """Tell that memory is there."""
        return True

    def reset(self) -> int:
        """Forget everything; return how many clients that were."""
        with self._lock:
            number = len(self._windows)
            self._windows.clear()
            return number

    def clear(self, key: str) -> None:
        """Forget one client."""
        with self._lock:
            self._windows.pop(key, None)

    @property
    def base_exceptions(self) -> type[Exception]:
        """What can go wrong here."""
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> NoReturn:
        """Refuse: fixed windows are counted by other storages."""
        raise NotImplementedError

    def get(self, key: str) -> NoReturn:
        """Refuse, as `incr` does."""
        raise NotImplementedError

    def get_expiry(self, key: str) -> NoReturn:
        """Refuse, as `incr` does."""
        raise NotImplementedError

    def _window(self, key: str, since: float) -> deque[float]:
        window = self._windows.get(key) or deque()
        while window and window[0] <= since:
            window.popleft()
        return window

    def _forget(self, since: float) -> None:
        """Drop clients that have been silent; the longest silent come first."""
        while self._windows:
            key, window = next(iter(self._windows.items()))
            if window and window[-1] > since:
                return
            del self._windows[key]
