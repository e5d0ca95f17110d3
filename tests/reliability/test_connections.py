"""Connections: two thousand at once on the default server, each with a call of its own."""

import asyncio
import resource
import socket
import sys
from collections import Counter
from collections.abc import Iterator
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
from tests.reliability.scale import tell

CONNECTIONS = 2_000
FILES_BESIDE = 200
SECONDS = 120


@pytest.fixture
def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Run `billing serve` over a database with a report; its port."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < CONNECTIONS + FILES_BESIDE:
        pytest.skip(f"This system lets a process have {soft} files only.")
    url = f"sqlite:///{tmp_path}/billing.db"
    storage = SqlStorage.open(url)
    storage.upgrade()
    fill(storage)
    compose(storage).generator.generate(ACME, JANUARY)
    storage.close()
    monkeypatch.setenv("BILLING_JWT_SECRET", SECRET)
    monkeypatch.setenv("BILLING_DATABASE_URL", url)
    monkeypatch.setenv("BILLING_RATE_LIMIT", f"{CONNECTIONS // 2} per minute")
    monkeypatch.setenv("BILLING_RUN_WORKERS", "0")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        free: int = listener.getsockname()[1]
    billing = Path(sys.executable).with_name("billing")
    command: list[str | Path] = [billing, "serve", "--port", str(free)]
    with servers._running(command, tmp_path, lambda: _listens(free)):
        yield free


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


async def _call(port: int, token: str, connected: asyncio.Barrier) -> int:
    """Connect, wait for all the others, call, and return the status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await connected.wait()
    lines = (
        "GET /api/v2/reports/ HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {token}",
        "Connection: close",
    )
    writer.write("\r\n".join((*lines, "", "")).encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert body[:1] in {b"[", b"{"}
    return int(head.split()[1])


async def _crowd(port: int, token: str) -> Counter[int]:
    connected = asyncio.Barrier(CONNECTIONS)
    calls = (_call(port, token, connected) for _ in range(CONNECTIONS))
    return Counter(await asyncio.wait_for(asyncio.gather(*calls), SECONDS))


def test_two_thousand_connections_are_answered_or_throttled(port: int) -> None:
    """All are open at once; each gets 200, 429 or 503, and the next caller is served."""
    issued = SystemClock().now() - timedelta(seconds=1)
    token = issue(Settings(jwt_secret=SECRET), "alice", SCOPES, None, 1, issued)
    statuses = asyncio.run(_crowd(port, token))
    assert statuses.keys() <= {200, 429, 503}
    assert statuses[200] > 0
    assert statuses.total() == CONNECTIONS
    other = issue(Settings(jwt_secret=SECRET), "bob", SCOPES, None, 1, issued)

    async def once() -> int:
        return await _call(port, other, asyncio.Barrier(1))

    assert asyncio.run(once()) == 200
    tell("connections", connections=CONNECTIONS, statuses=statuses)
