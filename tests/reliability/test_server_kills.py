"""Kill -9 of a server under load: it is back by itself, with all that it had acknowledged."""

import contextlib
import http.client
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from billing.adapters.sql.storage import SqlStorage
from billing.bootstrap import SystemClock
from billing.entrypoints.tokens import SCOPES, issue
from billing.settings import Settings
from billing.testing.world import ACME, fill
from tests.integration.cli.conftest import SECRET
from tests.reliability.scale import SEED, size, tell

KILLS = size(10, 300)
CLIENTS = 4
LONGEST_SECONDS = 1.0
"""The server is killed up to this long after its first answer."""

WAIT_SECONDS = 60
"""For a start, on a machine that is busy; what it took is told."""

ROWS = 600
START = "from billing.entrypoints.cli.main import main; main()"
PERIOD = {"customer_id": ACME, "start_date": "2023-01-01", "end_date": "2023-01-31"}


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """`billing serve` in a process group of its own."""

    def __init__(self, url: str, port: int) -> None:
        environment = {
            **os.environ,
            "BILLING_DATABASE_URL": url,
            "BILLING_JWT_SECRET": SECRET,
            "BILLING_RATE_LIMIT": "1000000 per minute",
        }
        started = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-c", START, "serve", "--port", str(port)],
            env=environment,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while not is_ready(port):
            assert self._process.poll() is None, "the server ended"
            assert time.monotonic() - started < WAIT_SECONDS, "the server does not start"
        self.ready_seconds = time.monotonic() - started

    def kill(self) -> None:
        """End it and its workers at once; once only, for its number may be another's by then."""
        if self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def is_ready(port: int) -> bool:
    """Ask, once a twentieth of a second."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        return call(port, "", "GET", "/readyz", None)[0] == 200
    threading.Event().wait(0.05)
    return False


def call(port: int, token: str, method: str, path: str, body: Any) -> tuple[int, bytes]:
    """Make a call; OSError or HTTPException when the server is gone before it answered."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body)
        connection.request(method, path, data, headers if token else {})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


class Load:
    """Clients that store orders and file reports until the server is gone, and note answers."""

    def __init__(self, port: int, token: str) -> None:
        self._port, self._token = port, token
        self._numbers = iter(range(1, 10**9))
        self._lock = threading.Lock()
        self.reports: dict[int, bytes] = {}
        self.stored: set[int] = set()
        self.asked = 0

    def client(self) -> None:
        """Call until no answer comes; a call that was not answered is not repeated."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            while True:
                with self._lock:
                    number = next(self._numbers)
                    self.asked += 1
                (self._store if number % 3 == 0 else self._generate)(number)

    def _generate(self, _: int) -> None:
        status, body = self._call("POST", "/api/v2/reports/generate/", PERIOD)
        assert status in {201, 503}, body
        if status == 201:
            self.reports[json.loads(body)["id"]] = body

    def _store(self, number: int) -> None:
        """Store a batch of undated orders: they are in no report."""
        rows = [{"customer_id": ACME, "order_id": number * 1_000 + row} for row in range(ROWS)]
        status, body = self._call("POST", "/api/v2/orders/", rows)
        assert status in {200, 503}, body
        if status == 200:
            assert json.loads(body)["created"] == ROWS
            self.stored.add(number)

    def _call(self, method: str, path: str, body: Any) -> tuple[int, bytes]:
        return call(self._port, self._token, method, path, body)


@contextlib.contextmanager
def under(load: Load) -> Iterator[None]:
    """Run the clients until the server goes."""
    clients = [threading.Thread(target=load.client) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    yield
    for client in clients:
        client.join()


def check(path: Path, port: int, token: str, load: Load) -> None:
    """Hold the server that is back to all that was ever acknowledged."""
    status, body = call(port, token, "GET", "/api/v2/reports/", None)
    assert status == 200
    listed = {report["id"] for report in json.loads(body)}
    assert load.reports.keys() <= listed, "acknowledged reports are lost"
    assert len(listed) <= load.asked
    for report_id in sorted(listed)[-20:]:
        status, body = call(port, token, "GET", f"/api/v2/reports/{report_id}/", None)
        assert (status, load.reports.get(report_id, body)) == (200, body), "a report has changed"
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        found = dict(
            database.execute(
                "SELECT order_id / 1000, count(*) FROM orders WHERE order_id >= 1000 GROUP BY 1"
            )
        )
        pages = database.execute(
            "SELECT count(*) FROM reports WHERE id NOT IN (SELECT report_id FROM report_pages)"
        ).fetchone()
    assert set(found.values()) <= {ROWS}, "a call of orders is torn"
    assert load.stored <= found.keys(), "acknowledged orders are lost"
    assert pages == (0,), "a report has no pages"


def test_a_killed_server_comes_back_with_all_it_acknowledged(tmp_path: Path) -> None:
    """Again and again on the same database, killed at a moment that chance picks."""
    chance = random.Random(SEED)  # noqa: S311 to be repeated is what it is for
    path = tmp_path / "billing.db"
    url = f"sqlite:///{path}"
    storage = SqlStorage.open(url)
    storage.upgrade()
    fill(storage)
    storage.close()
    settings = Settings(jwt_secret=SECRET)
    now = SystemClock().now() - timedelta(seconds=1)
    token = issue(settings, "alice", SCOPES, None, 1, now)
    port = free_port()
    load, ready = Load(port, token), []
    for _ in range(KILLS):
        server = Server(url, port)
        ready.append(server.ready_seconds)
        try:
            if len(ready) > 1:
                check(path, port, token, load)
            with under(load):
                time.sleep(chance.uniform(0, LONGEST_SECONDS))
                server.kill()
        finally:
            server.kill()
    server = Server(url, port)
    try:
        check(path, port, token, load)
    finally:
        server.kill()
    assert load.reports
    tell(
        "kill -9 of a server under load",
        kills=KILLS,
        calls=load.asked,
        reports=len(load.reports),
        calls_of_orders=len(load.stored),
        ready_seconds_median=round(sorted(ready)[len(ready) // 2], 2),
        ready_seconds_longest=round(max(ready), 2),
    )
