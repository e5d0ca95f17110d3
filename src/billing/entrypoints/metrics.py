"""Metrics: what a process counts for Prometheus, in a file that the serving process reads.

Counting is on where `PROMETHEUS_MULTIPROC_DIR` names the folder of those files: `metrics_server`
sets it, for its own process and for all that it starts.
"""

import os
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from billing.domain.billing_run import RunState
from billing.domain.errors import MissingExtraError
from billing.domain.ports import Storage
from billing.domain.run_observer import OUTCOMES
from billing.settings import Settings

FOLDER = "PROMETHEUS_MULTIPROC_DIR"

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

# Name, help and labels of each; for a histogram also its buckets, in seconds.
_ANSWERS = ("billing_http_requests", "Requests answered.", ("route", "method", "status"))
_ANSWERING = (
    "billing_http_request_duration_seconds",
    "Time until the answer began.",
    ("route", "method"),
)
_ANSWERING_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_THROTTLED = ("billing_rate_limit_hits", "Requests refused by the rate limit.")
_ATTEMPTS = ("billing_run_item_duration_seconds", "Attempts at customers of runs.", ("outcome",))
_ATTEMPTS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_GIVEN_UP = ("billing_run_items_given_up", "Customers of runs that were tried too often.")
_RUNS = ("billing_run_duration_seconds", "Runs that ended, from their first item on.", ("state",))
_RUNS_S = (1, 5, 15, 60, 300, 900, 1_800, 3_600, 7_200, 14_400, 43_200)
_IN_USE = ("billing_database_connections_in_use", "Connections taken from the pools.", ("work",))
_AT_MOST = ("billing_database_connections_max", "Connections the pools give at most.", ("work",))

REQUESTS = "requests"
RUNS = "runs"
"""What a process with a pool of connections works on."""


@runtime_checkable
class Pooled(Protocol):
    """A storage with a pool of connections."""

    def watch_connections(self, watcher: Callable[[int], None], /) -> int:
        """Call the watcher with 1 for each connection taken and -1 for each given back.

        Returns how many there are at most.
        """


class Metrics:
    """The counters of this process; make it once in each.

    A route is the rule, never the path; an unknown method is "other": nobody can make up labels.
    Raises MissingExtraError.
    """

    def __init__(self) -> None:
        try:
            from prometheus_client import Counter, Gauge, Histogram
        except ImportError as error:
            raise MissingExtraError("BILLING_METRICS_PORT", "metrics") from error
        self._requests = Counter(*_ANSWERS, registry=None)
        self._request_seconds = Histogram(*_ANSWERING, buckets=_ANSWERING_S, registry=None)
        self._throttled = Counter(*_THROTTLED, registry=None)
        self._attempts = Histogram(*_ATTEMPTS, buckets=_ATTEMPTS_S, registry=None)
        self._given_up = Counter(*_GIVEN_UP, registry=None)
        self._runs = Histogram(*_RUNS, buckets=_RUNS_S, registry=None)
        self._in_use = Gauge(*_IN_USE, registry=None, multiprocess_mode="livesum")
        self._at_most = Gauge(*_AT_MOST, registry=None, multiprocess_mode="livesum")
        # From 0 on: Prometheus sees no increase in a series that begins with 1.
        for outcome in OUTCOMES:
            self._attempts.labels(outcome)
        for state in (RunState.DONE, RunState.FAILED):
            self._runs.labels(state.value)
        self._known: dict[tuple[str, str, str], tuple[Callable[[], None], Callable[[float], None]]]
        self._known = {}

    def request_ended(self, route: str | None, method: str, status: str, seconds: float) -> None:
        """Count an answer. route: the rule, None where none matched; status: three digits."""
        key = (route or "none", method if method in _METHODS else "other", status)
        found = self._known.get(key)
        if found is None:  # Looking labels up costs more than counting.
            seen = self._request_seconds.labels(*key[:2])
            found = self._known[key] = (self._requests.labels(*key).inc, seen.observe)
        found[0]()
        found[1](seconds)

    def request_throttled(self) -> None:
        """Count a request that the rate limit refused."""
        self._throttled.inc()

    def attempt_ended(self, outcome: str, milliseconds: int, /) -> None:
        """Note one attempt at an item: how it ended, and how long it took."""
        self._attempts.labels(outcome).observe(milliseconds / 1000)

    def items_given_up(self, items: int, /) -> None:
        """Note items that failed because they were tried too often."""
        self._given_up.inc(items)

    def run_ended(self, state: str, milliseconds: int, /) -> None:
        """Note a run that is done or failed, and how long it took from its first item on."""
        self._runs.labels(state).observe(milliseconds / 1000)

    def watch(self, storage: Pooled, work: str) -> None:
        """Count the connections of a storage. work: REQUESTS or RUNS."""
        in_use = self._in_use.labels(work)
        in_use.set(0)  # The system may have given us the number of a process that was killed.
        self._at_most.labels(work).set(storage.watch_connections(in_use.inc))


def started_metrics(settings: Settings, storage: Storage, work: str) -> Metrics | None:
    """Return this process's counters, or None where nobody reads them.

    The storage is watched, if it has connections. work: REQUESTS or RUNS.
    """
    if settings.metrics_port is None or not os.environ.get(FOLDER):
        return None
    metrics = Metrics()
    if isinstance(storage, Pooled):
        metrics.watch(storage, work)
    return metrics
