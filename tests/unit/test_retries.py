"""Retries: hindered work is done again a few times, and nothing else is."""

from collections.abc import Callable, Iterator

import pytest

from billing.domain import retries
from billing.domain.errors import (
    BillingError,
    OutcomeUnknownError,
    StorageBusyError,
    StorageUnavailableError,
)
from billing.domain.retries import PAUSES_MS, SECONDS, TRIES, retried


class Time:
    """Takes the place of the time module: nobody waits, and every pause is noted."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        """Return the seconds passed."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Pass the seconds."""
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture(autouse=True)
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    """Let time stand but for the pauses."""
    time = Time()
    monkeypatch.setattr(retries, "time", time)
    return time


def failing(*errors: BillingError) -> Callable[[], str]:
    """Return work that fails once with each error, then is done."""
    left: Iterator[BillingError] = iter(errors)

    def work() -> str:
        error = next(left, None)
        if error is not None:
            raise error
        return "done"

    return work


def test_hindered_work_is_done_again(time: Time) -> None:
    """After a pause at random, no longer than it is said to be at the most."""
    assert len(PAUSES_MS) + 1 == TRIES
    assert retried(failing(StorageBusyError(), StorageBusyError())) == "done"
    assert len(time.pauses) == 2
    assert all(
        0 <= pause * 1_000 <= most for pause, most in zip(time.pauses, PAUSES_MS, strict=True)
    )


def test_the_last_try_tells_what_hindered_it(time: Time) -> None:
    """Three tries, then the caller is asked to come back."""
    busy = [StorageBusyError() for _ in range(4)]
    with pytest.raises(StorageBusyError) as caught:
        retried(failing(*busy))
    assert caught.value is busy[2]
    assert len(time.pauses) == 2


@pytest.mark.parametrize("error", [StorageUnavailableError(), OutcomeUnknownError()])
def test_what_may_have_been_done_is_not_done_again(time: Time, error: BillingError) -> None:
    """Nor what waited long already."""
    with pytest.raises(type(error)):
        retried(failing(error))
    assert time.pauses == []


def test_no_try_starts_late(time: Time) -> None:
    """A storage that took its time to say that it is busy is not asked again."""

    def work() -> None:
        time.now += SECONDS + 0.001
        raise StorageBusyError

    with pytest.raises(StorageBusyError):
        retried(work)
    assert time.pauses == []
