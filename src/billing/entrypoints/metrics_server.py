"""Metrics server: gathers what the processes of this machine count, and serves it to Prometheus."""

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from billing.bootstrap import open_storage
from billing.domain.access import Access
from billing.domain.errors import BillingError, MissingExtraError
from billing.entrypoints.addresses import free_address, shown_address
from billing.entrypoints.metrics import FOLDER
from billing.settings import Settings

_ENDED = 0
"""The number, in place of a process's, of the file that keeps what ended processes counted."""


@contextmanager
def served_metrics(settings: Settings) -> Iterator[Callable[[], None]]:
    """Let this process and those it starts count, if the settings ask for it.

    Yields what begins to serve. Raises MissingExtraError, and click's refusal of an address in use.
    """
    if settings.metrics_port is None:
        yield lambda: None
        return
    folder = tempfile.mkdtemp(prefix="billing-metrics-")
    owner = os.getpid()
    os.environ[FOLDER] = folder  # Read when the library is first imported: now, or in children.
    try:
        try:
            from prometheus_client import start_http_server
        except ImportError as error:
            raise MissingExtraError("BILLING_METRICS_PORT", "metrics") from error
        family, address, port = free_address(settings.metrics_host, settings.metrics_port)
        gathered: Any = _Gathered(Path(folder), settings.database_url)

        def serve() -> None:
            server, _ = start_http_server(port, address, gathered)
            # Workers are forked from here: none may hold the port when this process is gone.
            os.register_at_fork(after_in_child=server.socket.close)
            url = f"http://{shown_address(family, address)}:{port}/metrics"
            click.echo(f"Metrics on {url}", err=True)

        yield serve
    finally:
        if os.getpid() == owner:  # And not in a fork of it.
            del os.environ[FOLDER]
            shutil.rmtree(folder, ignore_errors=True)


class _Gathered:
    """What all processes counted, ended ones too, and what the database says at the moment."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self._folder = folder
        self._database_url = database_url
        self._one_at_a_time = threading.Lock()

    def collect(self) -> Iterable[Any]:
        """Return the metrics of one scrape."""
        with self._one_at_a_time:
            self._put_away()
            collector = _untyped("multiprocess").MultiProcessCollector(None, str(self._folder))
            metrics = list(collector.collect())
        return [*metrics, *_of_database(self._database_url)]

    def _put_away(self) -> None:
        """Move what ended processes counted into one file a kind, so that files do not pile up.

        Workers on runs come and go. What an ended process held no longer counts.
        """
        ended = [path for path in self._folder.glob("*.db") if not _is_alive(_process(path))]
        for path in ended:
            if path.name.startswith("gauge_"):
                path.unlink()
        for kind in ("counter", "histogram"):
            paths = [path for path in ended if path.name.startswith(kind)]
            if paths:
                _add_up(paths, self._folder / f"{kind}_{_ENDED}.db")


def _process(path: Path) -> int:
    return int(path.stem.rpartition("_")[2])


def _is_alive(process: int) -> bool:
    if process == _ENDED:
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _add_up(paths: Sequence[Path], into: Path) -> None:
    """Add the counts in files to those of another, and remove the files."""
    files = _untyped("mmap_dict")
    read = [str(path) for path in (*paths, into) if path.exists()]
    merged = _untyped("multiprocess").MultiProcessCollector.merge(read, accumulate=False)
    kept = files.MmapedDict(str(into))
    for metric in merged:
        for sample in metric.samples:
            names, values = list(sample.labels), list(sample.labels.values())
            key = files.mmap_key(metric.name, sample.name, names, values, metric.documentation)
            kept.write_value(key, sample.value, 0.0)
    kept.close()
    for path in paths:
        path.unlink()


def _untyped(module: str) -> Any:
    """Return a module of the library whose functions ship without types."""
    return import_module(f"prometheus_client.{module}")


def _of_database(url: str) -> Iterator[Any]:
    """Ask the database on a connection of its own; what is in memory another process cannot see."""
    from prometheus_client.core import GaugeMetricFamily

    if url.startswith("memory:"):
        return
    up = GaugeMetricFamily("billing_database_up", "1 while the database answers.")
    items = GaugeMetricFamily(
        "billing_run_items", "Live items of runs: waiting or running.", labels=["state"]
    )
    storage = open_storage(url)
    try:
        with storage.snapshot(Access.everything()) as view:
            waiting, running = view.run_work.backlog()
        items.add_metric(["waiting"], waiting)
        items.add_metric(["running"], running)
        up.add_metric([], 1)
        yield items
    except (BillingError, OSError):
        up.add_metric([], 0)
    finally:
        getattr(storage, "close", lambda: None)()
    yield up
