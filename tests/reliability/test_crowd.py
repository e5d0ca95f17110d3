"""A crowd: thousands of calls at once are answered, in the known ways, in bounded memory."""

import http.client
import json
import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from billing.adapters.sql.storage import SqlStorage
from billing.bootstrap import SystemClock, compose
from billing.entrypoints.tokens import SCOPES, issue
from billing.settings import Settings
from billing.testing.world import ACME, JANUARY, fill
from tests import servers
from tests.integration.http.conftest import SECRET
from tests.reliability.scale import size, tell

CALLS = size(1_000, 10_000)
AT_ONCE = 100
REPORTS = 50
MEMORY_MB = 512


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Run granian over a database with some reports; the folder of its socket."""
    url = f"sqlite:///{tmp_path}/billing.db"
    storage = SqlStorage.open(url)
    storage.upgrade()
    fill(storage)
    for _ in range(REPORTS):
        compose(storage).generator.generate(ACME, JANUARY)
    storage.close()
    with servers._folder() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("BILLING_JWT_SECRET", SECRET)
        patch.setenv("BILLING_DATABASE_URL", url)
        patch.setenv("BILLING_RATE_LIMIT", f"{CALLS // 2} per minute")
        granian = Path(sys.executable).with_name("granian")
        command: list[str | Path] = [granian, "--interface", "wsgi", "--log-level", "error"]
        command += ["--http", "1", "--blocking-threads", "8", "--uds", folder / "billing.sock"]
        command += ["--factory", "billing.entrypoints.http.wsgi:create"]
        with servers._running(command, folder, lambda: servers._answers(folder / "billing.sock")):
            yield folder


def call(path: Path, target: str, token: str) -> tuple[int, bytes]:
    """Make a call on a connection of its own."""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(120)
    connection.sock.connect(str(path))
    try:
        connection.request("GET", target, headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        assert response.headers["Content-Type"] == "application/json"
        return response.status, response.read()
    finally:
        connection.close()


def memory_mb(path: Path) -> float:
    """Return the memory of the processes that listen on a socket of ours."""
    found = subprocess.run(
        ["pgrep", "-f", str(path)], capture_output=True, text=True, check=True
    ).stdout.split()
    pages = 0
    for process in found:
        statm = Path(f"/proc/{process}/statm")
        pages += int(statm.read_text().split()[1]) if statm.exists() else 0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_048_576


def test_a_crowd_is_answered_or_throttled(folder: Path) -> None:
    """F2: nothing else, all of it JSON; afterwards the service is as before."""
    now = SystemClock().now() - timedelta(seconds=1)
    token = issue(Settings(jwt_secret=SECRET), "alice", SCOPES, None, 1, now)
    path = folder / "billing.sock"
    statuses: Counter[int] = Counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for status, body in pool.map(lambda _: call(path, "/api/v2/reports/", token), range(CALLS)):
            statuses[status] += 1
            answer = json.loads(body)
            assert status != 200 or len(answer) == REPORTS
    assert statuses.keys() <= {200, 429, 503}
    assert statuses[200] >= CALLS // 2
    assert call(path, "/readyz", token)[0] == 200
    memory = memory_mb(path)
    assert memory < MEMORY_MB
    tell("crowd", calls=CALLS, at_once=AT_ONCE, statuses=statuses, memory_mb=round(memory))
