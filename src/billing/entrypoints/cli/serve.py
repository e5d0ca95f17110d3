"""`billing serve`: the HTTP API on granian, until it is told to stop."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import click
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import Server

from billing.bootstrap import compose
from billing.entrypoints.addresses import free_address, shown_address
from billing.entrypoints.cli.application import make_ready, opened_storage, tell_warnings
from billing.entrypoints.http import logs
from billing.entrypoints.http.app import API, create_app
from billing.entrypoints.metrics_server import served_metrics
from billing.entrypoints.run_pool import COMMAND_LINE, KeptAlive, pool_size
from billing.settings import MAX_THREADS, InvalidSettingError, Settings, name_of

DRAIN_SECONDS = 30
"""How long requests under way may go on after SIGTERM."""

_HANDLER = {"formatter": "json", "class": "logging.StreamHandler", "stream": "ext://sys.stderr"}
_LOGGING: dict[str, Any] = {
    "formatters": {"json": {"()": logs.JsonLines}},
    "handlers": {"console": _HANDLER, "access": _HANDLER},
}


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65_535), default=8000, show_default=True)
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True)
@click.option(
    "--threads",
    type=click.IntRange(1, MAX_THREADS),
    help=f"In each worker. By default {name_of('threads')}, or {Settings().threads}.",
)
def command(host: str, port: int, workers: int, threads: int | None) -> None:
    """Serve the HTTP API until SIGTERM or Ctrl-C, which let requests under way end.

    A database that is a file is migrated first. Port 0 takes a free one.
    """
    settings = Settings.from_environ(os.environ)
    settings = replace(settings, threads=threads or settings.threads)
    _check_workers(settings, workers)
    with opened_storage(settings.database_url) as storage:
        make_ready(storage)
        tell_warnings(storage)
        # What stops the service stops it here, with one line, instead of in every worker; and
        # workers are forked with all of its code loaded.
        billing = compose(storage, letterhead=settings.letterhead, queue=settings.queue_url)
        create_app(settings, billing)
    family, address, port = free_address(host, port)
    server = Server(
        "billing.entrypoints.http.wsgi:create_served",
        factory=True,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        address=address,
        port=port,
        workers=workers,
        blocking_threads=settings.threads,
        workers_kill_timeout=DRAIN_SECONDS,
        log_level=LogLevels.error,
        log_dictconfig=_LOGGING,
    )
    url = f"http://{shown_address(family, address)}:{port}"
    server.on_startup(
        lambda: click.echo(f"Serving {url}{API}/ (documentation: {url}{API}/docs)", err=True)
    )
    os.environ[name_of("threads")] = str(settings.threads)  # Workers read their settings there.
    logs.configure()
    with ExitStack() as beside:
        server.on_startup(beside.enter_context(served_metrics(settings)))
        beside.enter_context(_run_workers(settings, server.on_startup))
        server.serve()


@contextmanager
def _run_workers(
    settings: Settings, on_startup: Callable[[Callable[[], None]], object]
) -> Iterator[None]:
    """Work on billing runs beside the server. In memory a thread of the server's worker does.

    With a queue it is `billing worker` that works, on this machine only if it is started here.
    """
    size = pool_size(settings, spared=1)  # Requests keep a core where there are several.
    if not size or settings.queue_url or settings.database_url.startswith("memory:"):
        yield
        return
    options = ("--concurrency", str(size), "--parent", str(os.getpid()))
    workers = KeptAlive(*COMMAND_LINE, "worker", *options)
    on_startup(workers.start)
    try:
        yield
    finally:
        workers.stop()


def _check_workers(settings: Settings, workers: int) -> None:
    """Refuse several processes where each would keep its own: data, or everybody's limit."""
    if workers == 1:
        return
    if settings.database_url.startswith("memory:"):
        raise InvalidSettingError(
            "BILLING_DATABASE_URL",
            f"SQLite or PostgreSQL with --workers {workers}: in memory each would have its own",
        )
    if settings.rate_limit_storage.startswith("memory:"):
        raise InvalidSettingError(
            "BILLING_RATE_LIMIT_STORAGE",
            f"redis://<host> with --workers {workers}: in memory each would count for itself",
        )
