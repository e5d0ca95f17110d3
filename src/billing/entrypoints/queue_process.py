"""Queue process: the Celery worker of this machine; `billing worker` keeps it alive."""

import gc
import logging
import os
import sys
import threading

from billing.bootstrap import compose, open_storage, work_on_hints
from billing.domain.billing_run import ItemKey
from billing.domain.errors import BillingError
from billing.entrypoints.http import logs
from billing.entrypoints.metrics import RUNS, started_metrics
from billing.entrypoints.run_process import NICENESS, end_with, terminate_with
from billing.settings import Settings


def main() -> None:
    """Work on what the broker hints at until SIGTERM, or the end of the parent named."""
    parent, concurrency = int(sys.argv[1]), int(sys.argv[2])
    os.nice(NICENESS)
    logs.configure()
    logging.captureWarnings(capture=True)  # Celery's, of running as root.
    gc.set_threshold(50_000, 20, 100)  # Rows come by the hundred thousand, without any cycles.
    threading.Thread(target=terminate_with, args=(parent,), daemon=True).start()
    try:
        settings = Settings.from_environ(os.environ)
        assert settings.queue_url, "started without a queue"
        child = _Child(settings)
        code = work_on_hints(settings.queue_url, concurrency, child.attempt, begin=child.begin)
    except BillingError as error:
        sys.exit(f"billing: {error}")
    sys.exit(code)


class _Child:
    """One process of the worker: its connections and its counters are its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def begin(self) -> None:
        """Make both, and let it not outlive the worker for long; called once it is forked."""
        storage = open_storage(self._settings.database_url)
        observer = started_metrics(self._settings, storage, RUNS)
        letterhead = self._settings.letterhead
        self._billing = compose(storage, letterhead=letterhead, observer=observer)
        args = (os.getppid(), threading.Event())
        threading.Thread(target=end_with, args=args, daemon=True).start()

    def attempt(self, key: ItemKey) -> object:
        return self._billing.run_worker.work(key)


if __name__ == "__main__":
    main()
