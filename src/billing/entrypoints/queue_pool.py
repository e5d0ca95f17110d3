"""Queue pool: workers that a broker hints, and that look for themselves while it is away."""

import os

from billing.bootstrap import CeleryQueue
from billing.entrypoints.run_pool import KeptAlive, RunPool

SWEEP_SECONDS = 5
"""How often lost hints are looked for. Every machine does; one that finds hints waiting gives none.
"""

REFILL_BELOW = 100
"""So few hints wait before a sweep gives more: enough for the workers until the next one."""


class QueuePool:
    """A Celery worker that is kept alive, and a pool that stands in while there is no broker."""

    def __init__(self, queue: CeleryQueue, size: int) -> None:
        self._queue = queue
        program = ("-m", "billing.entrypoints.queue_process", str(os.getpid()), str(size))
        self._worker = KeptAlive(*program)
        self._stand_in = RunPool(size)

    def start(self) -> None:
        """Start the worker."""
        self._worker.start()

    def tend(self, waiting: int) -> None:
        """Work on items that wait without any hint, if none can be given; call it after a sweep."""
        if self._queue.is_away:
            self._stand_in.tend(waiting)
        else:
            self._stand_in.stop()

    def stop(self) -> None:
        """Let both end the items they are at, for a while."""
        self._worker.stop()
        self._stand_in.stop()
