"""Metrics server: gathers what the processes of this machine count, and serves it to Prometheus."""

import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from billing.bootstrap import open_storage
from billing.domain.access import Access
from billing.domain.errors import BillingError, MissingExtraError
from billing.entrypoints.addresses import free_address, shown_address
from billing.entrypoints.metrics_folder import counted, counting_folder
from billing.settings import Settings

_LOG = logging.getLogger(__name__)


@contextmanager
def served_metrics(settings: Settings) -> Iterator[Callable[[], None]]:
    """Let this process and those it starts count, if the settings ask for it.

    Yields what begins to serve. Raises MissingExtraError, and click's refusal of an address in use.
    """
    if settings.metrics_port is None:
        yield lambda: None
        return
    with counting_folder() as folder:
        try:  # The library looks for the folder when it is imported: now, or in children.
            from prometheus_client import start_http_server
        except ImportError as error:
            raise MissingExtraError("BILLING_METRICS_PORT", "metrics") from error
        family, address, port = free_address(settings.metrics_host, settings.metrics_port)
        gathered: Any = Gathered(folder, settings.database_url)

        def serve() -> None:
            server, _ = start_http_server(port, address, gathered)
            # Workers are forked from here: none may hold the port when this process is gone.
            os.register_at_fork(after_in_child=server.socket.close)
            url = f"http://{shown_address(family, address)}:{port}/metrics"
            click.echo(f"Metrics on {url}", err=True)

        yield serve


class Gathered:
    """What all processes counted, ended ones too, and what the database says at the moment."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self._folder = folder
        self._database_url = database_url
        self._one_at_a_time = threading.Lock()

    def collect(self) -> Iterable[Any]:
        """Return the metrics of one scrape; however many ask, the database is asked by one."""
        with self._one_at_a_time:
            return [*counted(self._folder), *_of_database(self._database_url)]


def _of_database(url: str) -> Iterator[Any]:
    """Ask the database on a connection of its own; what is in memory another process cannot see."""
    from prometheus_client.core import GaugeMetricFamily

    if url.startswith("memory:"):
        return
    up = GaugeMetricFamily("billing_database_up", "1 while the database answers.")
    items = GaugeMetricFamily(
        "billing_run_items", "Live items of runs: waiting or running.", labels=["state"]
    )
    backlog = _backlog(url)
    if backlog is not None:
        for state, number in zip(("waiting", "running"), backlog, strict=True):
            items.add_metric([state], number)
        yield items
    up.add_metric([], 0 if backlog is None else 1)
    yield up


def _backlog(url: str) -> tuple[int, int] | None:
    """Return how many items wait and are at work, None when the database does not say."""
    try:
        storage = open_storage(url)
        try:
            with storage.snapshot(Access.everything()) as view:
                return view.run_work.backlog()
        finally:
            getattr(storage, "close", lambda: None)()
    except (BillingError, OSError):
        return None
    except Exception:  # noqa: BLE001 what was counted is told, whatever a database answers
        _LOG.exception("The database did not tell what waits")
        return None
