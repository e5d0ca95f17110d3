"""Run process: one worker on billing runs; it ends with its parent, and when there is no work.

It lives no longer than a run, so that nothing is held in memory for the rest of the month.
"""

import gc
import logging
import os
import signal
import sys
import threading

from billing.bootstrap import Billing, compose, open_storage
from billing.domain.errors import BillingError, StorageUnavailableError
from billing.entrypoints.http import logs
from billing.entrypoints.metrics import RUNS, started_metrics
from billing.settings import Settings

NICENESS = 19
"""It takes what the others leave over: what answers requests goes first."""

IDLE_SECONDS = 20
"""How long it waits for more work."""

DRAIN_SECONDS = 20
"""How long the item at work may go on when the process is to end; then another takes it over."""

FAULT_SECONDS = 2
"""How long it leaves a storage alone that could not do its work."""

_LOG = logging.getLogger(__name__)


def main() -> None:
    """Work until there is nothing to do, SIGTERM, or the end of the parent named.

    Its log begins at the level that is named second.
    """
    parent, level = int(sys.argv[1]), int(sys.argv[2])
    over = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's: it ends us in order.
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    os.nice(NICENESS)
    logs.configure(level)
    gc.set_threshold(50_000, 20, 100)  # Rows come by the hundred thousand, without any cycles.
    threading.Thread(target=end_with, args=(parent, over), daemon=True).start()
    try:
        settings = Settings.from_environ(os.environ)
        storage = open_storage(settings.database_url)
        observer = started_metrics(settings, storage, RUNS)
        billing = compose(storage, letterhead=settings.letterhead, observer=observer)
    except BillingError as error:
        sys.exit(f"billing: {error}")
    work(billing, over, idle_seconds=IDLE_SECONDS)


def work(billing: Billing, over: threading.Event, *, idle_seconds: int | None) -> None:
    """Work on items until it is over, or until there were none for so long; None: never."""
    idle = 0
    while not over.is_set() and (idle_seconds is None or idle < idle_seconds):
        try:
            worked = billing.run_worker.work() is not None
        except StorageUnavailableError:
            _LOG.warning("The storage is unavailable: work goes on later", exc_info=True)
            over.wait(FAULT_SECONDS)
            continue
        if worked:
            idle = 0
        else:
            idle += 1
            over.wait(1)


def end_with(parent: int, over: threading.Event) -> None:
    """Say that it is over when the parent has died, however it did; then end, in time."""
    while os.getppid() == parent and not over.wait(1):
        pass
    over.set()
    threading.Event().wait(DRAIN_SECONDS)
    os._exit(1)


def terminate_with(parent: int) -> None:
    """End this process as SIGTERM does when the parent has died; if that takes long, at once."""
    never = threading.Event()
    while os.getppid() == parent:
        never.wait(1)
    os.kill(os.getpid(), signal.SIGTERM)
    never.wait(DRAIN_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
