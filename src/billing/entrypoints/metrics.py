"""Metrics: what a process counts for Prometheus, in a file that the serving process reads.

Counting is on where `PROMETHEUS_MULTIPROC_DIR` names the folder of those files: `metrics_server`
sets it, for its own process and for all that it starts.
"""

import os
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from billing.domain.errors import MissingExtraError
from billing.domain.ports import Storage
from billing.settings import Settings

FOLDER = "PROMETHEUS_MULTIPROC_DIR"

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REQUEST_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_ATTEMPT_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_RUN_BUCKETS = (1, 5, 15, 60, 300, 900, 1_800, 3_600, 7_200, 14_400, 43_200)


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
            from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
        except ImportError as error:
            raise MissingExtraError("BILLING_METRICS_PORT", "metrics") from error
        all_ = CollectorRegistry()
        self._requests = Counter(
            "billing_http_requests",
            "Requests answered.",
            ["route", "method", "status"],
            registry=all_,
        )
        self._request_seconds = Histogram(
            "billing_http_request_duration_seconds",
            "Time until the answer began.",
            ["route", "method"],
            buckets=_REQUEST_BUCKETS,
            registry=all_,
        )
        self._throttled = Counter(
            "billing_rate_limit_hits", "Requests refused by the rate limit.", registry=all_
        )
        self._attempts = Histogram(
            "billing_run_item_duration_seconds",
            "Attempts at an item of a run: done, failed, put_back or dropped.",
            ["outcome"],
            buckets=_ATTEMPT_BUCKETS,
            registry=all_,
        )
        self._given_up = Counter(
            "billing_run_items_given_up", "Items tried too often.", registry=all_
        )
        self._runs = Histogram(
            "billing_run_duration_seconds",
            "Runs that ended done or failed, from their first item on.",
            ["state"],
            buckets=_RUN_BUCKETS,
            registry=all_,
        )
        self._in_use, self._at_most = (
            Gauge(name, text, registry=all_, multiprocess_mode="livesum")
            for name, text in (
                ("billing_database_connections_in_use", "Connections taken from the pools."),
                ("billing_database_connections_max", "Connections the pools give at most."),
            )
        )
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

    def watch(self, storage: Storage) -> None:
        """Count the connections of a storage that has any."""
        if isinstance(storage, Pooled):
            self._at_most.set(storage.watch_connections(self._in_use.inc))


def started_metrics(settings: Settings) -> Metrics | None:
    """Return this process's counters, or None where nobody reads them."""
    if settings.metrics_port is None or not os.environ.get(FOLDER):
        return None
    return Metrics()
