"""Run pool: the worker processes of this machine, as many as there is work for."""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

from billing.entrypoints.run_process import DRAIN_SECONDS
from billing.settings import Settings

STOP_SECONDS = DRAIN_SECONDS + 5
RESTART_SECONDS = 5
"""How long a worker that failed is not replaced, so that one that cannot start costs little."""

COMMAND_LINE = ("-c", "from billing.entrypoints.cli.main import main; main()")
"""The arguments of Python for `billing`; its own follow."""

_PYTHON = (sys.executable, "-P")
_LOG = logging.getLogger(__name__)


def pool_size(settings: Settings, *, spared: int = 0) -> int:
    """Return how many workers the settings ask for: one for each core unless told otherwise.

    spared: cores that are left to others, as long as there is one for a worker.
    """
    if settings.run_workers is not None:
        return settings.run_workers
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, cores - spared)


class RunPool:
    """Worker processes, started when items wait; each ends by itself when none do.

    Workers see by themselves that this process has died, so nothing of them outlives it for long.

    level: where their log begins.
    """

    def __init__(self, size: int, *, level: int = logging.INFO) -> None:
        self._size = size
        self._level = level
        self._processes: list[subprocess.Popen[bytes]] = []
        self._not_before = 0

    def tend(self, waiting: int) -> None:
        """Start workers for so many items that wait; call it every second or so."""
        ended = [process for process in self._processes if process.poll() is not None]
        self._processes = [process for process in self._processes if process not in ended]
        failed = [process.returncode for process in ended if process.returncode]
        if failed:
            _LOG.warning("Workers ended with %s", failed)
            self._not_before = time.monotonic_ns() + RESTART_SECONDS * 10**9
        if time.monotonic_ns() < self._not_before:
            return
        for _ in range(min(waiting, self._size - len(self._processes))):
            module = "billing.entrypoints.run_process"
            self._processes.append(_start(["-m", module, str(os.getpid()), str(self._level)]))

    def stop(self) -> None:
        """Let the workers end the items they are at, for a while, and wait for them."""
        _stop(self._processes)
        self._processes = []


class KeptAlive:
    """A program of ours that runs beside this one, and is started again whenever it ends.

    arguments: Python's.
    """

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments
        self._over = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it. A thread then waits for it, and holds no lock while it does."""
        self._process = _start(self._arguments)
        threading.Thread(target=self._keep, daemon=True).start()

    def stop(self) -> None:
        """End it, as SIGTERM does."""
        self._over.set()
        if self._process is not None:
            _stop([self._process])

    def _keep(self) -> None:
        while self._process is not None:
            self._process.wait()
            if self._over.wait(RESTART_SECONDS):
                return
            self._process = _start(self._arguments)


def _start(arguments: Sequence[str]) -> "subprocess.Popen[bytes]":
    # A process group of its own: Ctrl-C in a terminal reaches this process alone, which then ends
    # the others in order. No session of its own: where the kernel shares the processor between
    # sessions first, their niceness would not count against ours.
    return subprocess.Popen(  # noqa: S603 our own command
        [*_PYTHON, *arguments], stdin=subprocess.DEVNULL, process_group=0
    )


def _stop(processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for process in processes:
        try:
            process.wait(max(0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
