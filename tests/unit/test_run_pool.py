"""How many worker processes there are, and that dead ones are replaced."""

import os
import subprocess
import time
from dataclasses import dataclass

import pytest

from billing.bootstrap import CeleryQueue
from billing.entrypoints.queue_pool import QueuePool
from billing.entrypoints.run_pool import RESTART_SECONDS, RunPool, pool_size
from billing.settings import Settings


@pytest.mark.parametrize(
    ("cores", "spared", "setting", "size"),
    [
        (1, 0, None, 1),
        (1, 1, None, 1),
        (2, 0, None, 2),
        (2, 1, None, 1),
        (8, 1, None, 7),
        (8, 1, 3, 3),
        (2, 0, 0, 0),
    ],
)
def test_workers_go_by_the_cores(
    monkeypatch: pytest.MonkeyPatch, cores: int, spared: int, setting: int | None, size: int
) -> None:
    """Unless the setting says otherwise; there is always one for a worker."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(cores), raising=False)
    assert pool_size(Settings(run_workers=setting), spared=spared) == size


@dataclass
class StandIn:
    """Stands for a process that ends when it is told to."""

    returncode: int | None = None

    def poll(self) -> int | None:
        return self.returncode

    def terminate(self) -> None:
        self.returncode = 0

    def wait(self, _: float | None = None) -> int:
        assert self.returncode is not None
        return self.returncode


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[StandIn]:
    """Note the processes that are started."""
    processes: list[StandIn] = []

    def start(*_: object, **__: object) -> StandIn:
        processes.append(StandIn())
        return processes[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    return processes


def test_a_pool_starts_as_many_as_there_is_work_for(started: list[StandIn]) -> None:
    """And never more than it may."""
    pool = RunPool(3)
    for waiting, running in ((0, 0), (1, 1), (9, 3), (9, 3)):
        pool.tend(waiting)
        assert len(started) == running
    started[0].returncode = 0
    pool.tend(9)
    assert len(started) == 4
    pool.stop()
    assert [process.returncode for process in started] == [0] * 4


def test_a_worker_that_failed_is_replaced_after_a_while(
    started: list[StandIn], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that cannot start costs little."""
    now = 10**12
    monkeypatch.setattr(time, "monotonic_ns", lambda: now)
    pool = RunPool(1)
    pool.tend(1)
    started[0].returncode = -9
    pool.tend(1)
    assert len(started) == 1
    now += RESTART_SECONDS * 10**9
    pool.tend(1)
    assert len(started) == 2


def test_workers_stand_in_while_the_broker_is_away(started: list[StandIn]) -> None:
    """As many as those that it would hint; when it is back they end."""
    queue = CeleryQueue("redis://broker.internal")
    pool = QueuePool(queue, 2)
    pool.tend(9)
    assert started == []
    queue.is_away = True
    pool.tend(9)
    pool.tend(9)
    assert [process.returncode for process in started] == [None, None]
    queue.is_away = False
    pool.tend(9)
    assert [process.returncode for process in started] == [0, 0]
