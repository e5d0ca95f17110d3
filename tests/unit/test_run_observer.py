"""What is told of runs as they go: to whoever counts, and to the log."""

import logging
from dataclasses import dataclass, field

import pytest

from billing.adapters.memory import MemoryStorage
from billing.bootstrap import Billing, compose
from billing.domain.billing_run import MAX_TRIES
from billing.domain.errors import StorageUnavailableError
from billing.domain.run_observer import DONE, DROPPED, FAILED, PUT_BACK
from billing.domain.run_request import RunRequest
from billing.testing.world import ACME, EVERYTHING, JANUARY, NOON, WIDGETS, TickingClock, fill


@dataclass
class Noted:
    """An observer that notes what it is told."""

    attempts: list[str] = field(default_factory=list)
    given_up: list[int] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)

    def attempt_ended(self, outcome: str, milliseconds: int, /) -> None:
        assert milliseconds >= 0
        self.attempts.append(outcome)

    def items_given_up(self, items: int, /) -> None:
        self.given_up.append(items)

    def run_ended(self, state: str, milliseconds: int, /) -> None:
        assert milliseconds > 0  # The clock ticks.
        self.runs.append(state)


@pytest.fixture
def noted() -> Noted:
    """Note what is told."""
    return Noted()


@pytest.fixture
def billing(noted: Noted) -> Billing:
    """Compose the application over the small world."""
    storage = MemoryStorage()
    fill(storage)
    return compose(storage, clock=TickingClock(), observer=noted)


def lines(caplog: pytest.LogCaptureFixture, *names: str) -> list[tuple[object, ...]]:
    """Return message and named facts of each line of the log."""
    found = ((record.getMessage(), vars(record).get("facts", {})) for record in caplog.records)
    return [(message, *(facts.get(name) for name in names)) for message, facts in found]


def test_a_run_is_told_from_its_start_to_its_end(
    billing: Billing, noted: Noted, caplog: pytest.LogCaptureFixture
) -> None:
    """Once each, however often it is asked for; the log names the run in every line."""
    with caplog.at_level(logging.INFO, "billing"):
        run = billing.runs.start(RunRequest(period=JANUARY))
        assert billing.runs.start(RunRequest(period=JANUARY)).id == run.id
        while billing.run_worker.work():
            pass
        billing.runs.sweep()
    assert noted == Noted(attempts=[DONE, DONE], runs=["done"])
    assert lines(caplog, "run_id", "customer_id", "attempt") == [
        ("run queued", run.id, None, None),
        ("item done", run.id, ACME, 1),
        ("item done", run.id, WIDGETS, 1),
        ("run done", run.id, None, None),
    ]


def test_what_is_cancelled_is_told_once(
    billing: Billing, noted: Noted, caplog: pytest.LogCaptureFixture
) -> None:
    """A cancelled run does not end by its own work; cancelled again, nothing happens."""
    run = billing.runs.start(RunRequest(period=JANUARY))
    with caplog.at_level(logging.INFO, "billing"):
        billing.runs.cancel(run.id)
        billing.runs.cancel(run.id)
        billing.runs.sweep()
    assert noted == Noted()
    assert lines(caplog, "run_id", "items") == [("run cancelled", run.id, 2)]


def test_a_customer_that_fails_and_is_retried_is_told_twice(
    billing: Billing,
    noted: Noted,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As is its run."""
    run = billing.runs.start(RunRequest(period=JANUARY, customers=(ACME,)))
    with monkeypatch.context() as broken:
        broken.setattr(billing.generator, "file", None)  # Which cannot be called.
        billing.run_worker.work()
    caplog.clear()
    with caplog.at_level(logging.INFO, "billing"):
        billing.runs.retry(run.id)
    assert lines(caplog, "run_id") == [("run queued again", run.id)]
    billing.run_worker.work()
    assert noted == Noted(attempts=[FAILED, DONE], runs=["failed", "done"])


def test_a_taken_over_attempt_is_dropped(
    billing: Billing, noted: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it did is not filed, and it is no failure of the customer."""
    run = billing.runs.start(RunRequest(period=JANUARY, customers=(ACME,)))
    prepare = billing.generator.prepare

    def slow(*args: object, **options: object) -> object:
        billing.runs.cancel(run.id)
        return prepare(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(billing.generator, "prepare", slow)
    billing.run_worker.work()
    assert noted == Noted(attempts=[DROPPED])


def test_what_is_given_up_is_counted_once(
    billing: Billing, noted: Noted, caplog: pytest.LogCaptureFixture
) -> None:
    """Items whose workers all died fail with the sweep, which says in which runs."""
    run = billing.runs.start(RunRequest(period=JANUARY))
    for _ in range(MAX_TRIES):
        for _ in range(2):
            with billing.storage.transaction(EVERYTHING) as tx:
                assert tx.run_work.take(0, NOON) is not None
    with caplog.at_level(logging.ERROR, "billing"):
        billing.runs.sweep()
        billing.runs.sweep()
    assert noted == Noted(given_up=[2], runs=["failed"])
    assert lines(caplog, "runs", "items") == [("Customers are given up", [run.id], 2)]


def test_what_is_put_back_is_told(
    billing: Billing, noted: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A storage that is away for a moment is an attempt that ended, and no failure."""
    billing.runs.start(RunRequest(period=JANUARY, customers=(ACME,)))

    def away(*_: object) -> None:
        raise StorageUnavailableError

    with monkeypatch.context() as broken:
        broken.setattr(billing.generator, "file", away)
        billing.run_worker.work()
    billing.run_worker.work()
    assert noted == Noted(attempts=[PUT_BACK, DONE], runs=["done"])
