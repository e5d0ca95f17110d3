"""Moving windows: exact counts in one process, and nothing kept longer than a window."""

import threading
from datetime import timedelta

import pytest

from billing.entrypoints.http.moving_windows import MovingWindows
from tests.integration.http.conftest import NOW, SetClock


@pytest.fixture
def windows(clock: SetClock) -> MovingWindows:
    """Start empty."""
    return MovingWindows(clock=clock)


def test_a_window_takes_up_to_its_limit(windows: MovingWindows) -> None:
    """One more is refused, and refusing costs nothing."""
    assert [windows.acquire_entry("a", 3, 60) for _ in range(5)] == [True] * 3 + [False] * 2
    assert windows.get_moving_window("a", 3, 60) == (NOW.timestamp(), 3)
    assert windows.acquire_entry("b", 3, 60)


def test_a_request_leaves_the_window_after_its_length(
    windows: MovingWindows, clock: SetClock
) -> None:
    """Each by itself: room comes back one by one."""
    for _ in range(3):
        assert windows.acquire_entry("a", 3, 60)
        clock.instant += timedelta(seconds=19)
    assert not windows.acquire_entry("a", 3, 60)
    clock.instant += timedelta(seconds=3)
    assert windows.acquire_entry("a", 3, 60)
    assert not windows.acquire_entry("a", 3, 60)
    assert windows.get_moving_window("a", 3, 60) == (NOW.timestamp() + 19, 3)


def test_what_does_not_fit_whole_is_not_counted(windows: MovingWindows) -> None:
    """A request that costs several either fits or leaves no trace."""
    assert not windows.acquire_entry("a", 3, 60, amount=4)
    assert windows.acquire_entry("a", 3, 60, amount=2)
    assert not windows.acquire_entry("a", 3, 60, amount=2)
    assert windows.acquire_entry("a", 3, 60)


def test_silent_clients_are_forgotten(windows: MovingWindows, clock: SetClock) -> None:
    """Memory holds those of the last window, however many there were before."""
    for number in range(1_000):
        windows.acquire_entry(f"client-{number}", 3, 60)
        clock.instant += timedelta(seconds=1)
    assert windows.reset() <= 61


def test_asking_leaves_nothing_behind(windows: MovingWindows) -> None:
    """A client that was never counted takes no room."""
    assert windows.get_moving_window("a", 3, 60) == (NOW.timestamp(), 0)
    assert windows.reset() == 0


def test_one_client_can_be_cleared(windows: MovingWindows) -> None:
    """It starts anew, and others do not."""
    for key in ("a", "b"):
        assert windows.acquire_entry(key, 1, 60)
    windows.clear("a")
    assert windows.acquire_entry("a", 1, 60)
    assert not windows.acquire_entry("b", 1, 60)
    assert windows.check()


def test_threads_together_get_no_more_than_the_limit(windows: MovingWindows) -> None:
    """Counting is exact, whoever counts at the same moment."""
    taken: list[bool] = []

    def take() -> None:
        taken.extend(windows.acquire_entry("a", 100, 60) for _ in range(100))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken.count(True) == 100


def test_fixed_windows_are_not_counted_here(windows: MovingWindows) -> None:
    """Another strategy would find out at once, not by wrong counts."""
    with pytest.raises(NotImplementedError):
        windows.incr("a", 1)
    with pytest.raises(NotImplementedError):
        windows.get("a")
