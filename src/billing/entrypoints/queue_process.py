"""Queue process: the Celery worker of this machine; `billing worker` keeps it alive."""

import gc
import logging
import os
import sys
import threading

from billing.bootstrap import compose, open_storage, work_on_hints
from billing.domain.errors import BillingError
from billing.entrypoints.http import logs
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
        billing = compose(open_storage(settings.database_url), letterhead=settings.letterhead)
        assert settings.queue_url, "started without a queue"
        attempt = billing.run_worker.work
        code = work_on_hints(settings.queue_url, concurrency, attempt, begin=_watch_parent)
    except BillingError as error:
        sys.exit(f"billing: {error}")
    sys.exit(code)


def _watch_parent() -> None:
    """Let no process of the worker outlive it for long."""
    args = (os.getppid(), threading.Event())
    threading.Thread(target=end_with, args=args, daemon=True).start()


if __name__ == "__main__":
    main()
