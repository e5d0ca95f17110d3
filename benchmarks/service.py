"""Service: small answers of the default server under load, beside hello on the same server."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

from benchmarks import load
from benchmarks.databases import Database
from benchmarks.measuring import Result, Timing
from benchmarks.names import CUSTOMERS_20, GUARDED, P99_MS, PAGE_OF_20, PRODUCT
from benchmarks.product import SETTINGS
from billing.bootstrap import SystemClock
from billing.entrypoints.http.app import API
from billing.entrypoints.tokens import issue

CLIENTS = 16
_HELLOS = {"hello": "hooked", "hello without hooks": "bare", GUARDED: "guarded"}
"""What each hello is called, and the application that says it."""
_FLOORS = ("hello", "hello without hooks")
START_SECONDS = 60
BILLING = [sys.executable, "-c", "from billing.entrypoints.cli.main import main; main()"]
_PATHS = {
    PAGE_OF_20: f"{API}/reports/?page_size=20",
    CUSTOMERS_20: f"{API}/reports/?customer_id=2",
}


@dataclass(frozen=True, slots=True)
class Running:
    """A server on this machine."""

    process: subprocess.Popen[bytes]
    port: int

    def wait(self) -> None:
        """Wait until it takes connections."""
        deadline = perf_counter() + START_SECONDS
        while perf_counter() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex((load.HOST, self.port)) == 0:
                    return
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.process.args!r} ended: {self.process.returncode}")
            sleep(0.005)
        raise RuntimeError(f"{self.process.args!r} took more than {START_SECONDS} s to start")

    def cpu(self) -> float:
        """Return the processor seconds that the server and its workers have taken."""
        return sum(map(_cpu, _family(self.process.pid)))


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked of which server."""

    server: Running
    request: bytes

    def under_load(self, seconds: float) -> tuple[Timing, float]:
        """Return the seconds a request took, of the clock and of the processor, and the p99."""
        before = self.server.cpu()
        seen = load.run(self.server.port, self.request, clients=CLIENTS, seconds=seconds)
        cpu = (self.server.cpu() - before) / len(seen.latencies)
        return Timing(seen.seconds_a_request, cpu), seen.p99


def measure(lists: Sequence[Database], repetitions: int, seconds: float) -> list[Result]:
    """Measure the list of each database that holds so many reports, and hello, in turns."""
    token = issue(SETTINGS, "benchmark", ["reports:read"], None, 1, SystemClock().now())
    with ExitStack() as stack:
        targets = {
            (name, ""): Target(stack.enter_context(serving_hello(app)), load.get("/", token))
            for name, app in _HELLOS.items()
        }
        for database in lists:
            server = stack.enter_context(serving_product(database))
            for work, path in _PATHS.items():
                targets[work, database.kind] = Target(server, load.get(path, token))
        for target in targets.values():
            target.server.wait()  # They start side by side.
        rounds = [
            {name: target.under_load(seconds) for name, target in targets.items()}
            for _ in range(repetitions)
        ]
    return [_result(name, rounds) for name in targets if name[0] not in _FLOORS]


def _result(
    name: tuple[str, str], rounds: list[dict[tuple[str, str], tuple[Timing, float]]]
) -> Result:
    samples = {PRODUCT: [seen[name][0] for seen in rounds]}
    samples |= {hello: [seen[hello, ""][0] for seen in rounds] for hello in _FLOORS}
    p99_ms = 1000 * median(seen[name][1] for seen in rounds)
    return Result(name[0], name[1], 20 if name[1] else 1, samples, {P99_MS: p99_ms})


def serving_hello(name: str) -> contextlib.AbstractContextManager[Running]:
    """Run one of the hellos."""
    port = _free_port()
    return _serving([sys.executable, "-m", "benchmarks.hello", name, str(port)], port, {})


def serving_product(database: Database) -> contextlib.AbstractContextManager[Running]:
    """Run `billing serve` on a database."""
    port = _free_port()
    settings = {
        "BILLING_DATABASE_URL": database.url,
        "BILLING_JWT_SECRET": str(SETTINGS.jwt_secret),
        "BILLING_RATE_LIMIT": SETTINGS.rate_limit,
    }
    return _serving([*BILLING, "serve", "--port", str(port)], port, settings)


def _free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((load.HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _serving(command: list[str], port: int, settings: dict[str, str]) -> Iterator[Running]:
    """Start a server, and end it when it is no longer needed; its log is thrown away."""
    process = subprocess.Popen(
        command,
        env=os.environ | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield Running(process, port)
    finally:
        # Granian may miss a SIGTERM in its first moments, and there is nothing to lose.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _family(pid: int) -> list[int]:
    """Return a process and all that it started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(descendant for child in children for descendant in _family(int(child)))]


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
