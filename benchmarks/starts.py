"""Starts: how long it takes to import the library, to ask for help, and to serve."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from time import perf_counter

from benchmarks.databases import Database
from benchmarks.measuring import Result, Timing
from benchmarks.names import HELP, IMPORT_LIBRARY, PRODUCT, START
from benchmarks.service import BILLING, Running, serving_hello, serving_product

_IMPORT = (
    "from time import perf_counter as wall, process_time as cpu; a, b = wall(), cpu(); "
    "import billing; print(wall() - a, cpu() - b)"
)
_PYTHON = [sys.executable, "-c", "pass"]


def measure(repetitions: int) -> list[Result]:
    """Measure what a program and a user wait for, beside the start of Python alone."""
    pairs: dict[str, dict[str, Callable[[], Timing]]] = {
        IMPORT_LIBRARY: {PRODUCT: _importing},
        HELP: {
            PRODUCT: partial(_running, [*BILLING, "--help"]),
            "python": partial(_running, _PYTHON),
        },
    }
    return [
        Result(work, "", 1, _in_turns(repetitions, contenders))
        for work, contenders in pairs.items()
    ]


def measure_server(database: Database, repetitions: int) -> Result:
    """Measure how soon the server listens, beside one that says hello."""
    contenders = {
        PRODUCT: lambda: _starting(serving_product(database)),
        "hello without hooks": lambda: _starting(serving_hello("bare")),
    }
    return Result(START, database.kind, 1, _in_turns(repetitions, contenders))


def _in_turns(
    repetitions: int, contenders: dict[str, Callable[[], Timing]]
) -> dict[str, list[Timing]]:
    samples: dict[str, list[Timing]] = {name: [] for name in contenders}
    for run in contenders.values():
        run()  # The files are in the page cache from now on.
    for _ in range(repetitions):
        for name, run in contenders.items():
            samples[name].append(run())
    return samples


def _importing() -> Timing:
    """Return what the import takes in a fresh interpreter, as that measures it."""
    program = [sys.executable, "-c", _IMPORT]
    printed = subprocess.run(program, check=True, capture_output=True, text=True).stdout
    wall, cpu = map(float, printed.split())
    return Timing(wall, cpu)


def _running(command: list[str]) -> Timing:
    """Return what a whole process takes."""
    started = perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return Timing(wall, usage.ru_utime + usage.ru_stime)


def _starting(server: AbstractContextManager[Running]) -> Timing:
    """Return what it takes until a server takes connections."""
    started = perf_counter()
    with server as running:
        running.wait()
        return Timing(perf_counter() - started, running.cpu())
