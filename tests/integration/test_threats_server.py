"""Threats F, A6, C11, G2: what only a real server shows: slow, endless and odd connections."""

import contextlib
import http.client
import json
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from billing.bootstrap import SystemClock
from billing.entrypoints.tokens import SCOPES, issue
from billing.settings import Settings
from tests import servers
from tests.integration.http.conftest import SECRET

MEGABYTE = 1_048_576
SLOW = 200
POST = b"POST /api/v2/orders/ HTTP/1.1\r\nHost: x\r\n"
SMUGGLED = b"GET /healthz HTTP/1.1\r\n\r\n"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Run granian on a unix socket, with its log beside it; the folder of both."""
    with servers._folder() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("BILLING_JWT_SECRET", SECRET)
        patch.setenv("BILLING_DATABASE_URL", "memory://")
        patch.setenv("BILLING_MAX_BODY_MB", "1")
        patch.setenv("BILLING_RATE_LIMIT", "1000000 per minute")
        granian = Path(sys.executable).with_name("granian")
        command: list[str | Path] = [granian, "--interface", "wsgi", "--log-level", "error"]
        command += ["--http", "1", "--blocking-threads", "8", "--uds", folder / "billing.sock"]
        command += ["--factory", "billing.entrypoints.http.wsgi:create"]
        with servers._running(command, folder, lambda: servers._answers(folder / "billing.sock")):
            yield folder


@contextlib.contextmanager
def connected(folder: Path) -> Iterator[socket.socket]:
    """Connect to the server, and say nothing yet."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(30)
        client.connect(str(folder / "billing.sock"))
        yield client


def token() -> str:
    """Return a token of somebody who may do everything."""
    now = SystemClock().now() - timedelta(seconds=1)
    return issue(Settings(jwt_secret=SECRET), "alice", SCOPES, None, 1, now)


def answer(client: socket.socket) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Read one answer."""
    response = http.client.HTTPResponse(client)
    response.begin()
    return response.status, response.headers, response.read()


def asked(folder: Path, request: bytes) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Send a request on a connection of its own; return the answer, status 0 for none."""
    with connected(folder) as client:
        try:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                client.sendall(request)
            return answer(client)
        except (http.client.BadStatusLine, ConnectionResetError):
            return 0, http.client.HTTPMessage(), b""


def assert_serves(folder: Path) -> None:
    """Expect the server to do its work as ever."""
    request = f"GET /api/v2/reports/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token()}\r\n\r\n"
    status, _, body = asked(folder, request.encode())
    assert (status, json.loads(body)) == (200, [])


@pytest.mark.parametrize(
    "header",
    [
        "Authorization: Bearer " + "x" * MEGABYTE,
        "Authorization: Bearer " + "x" * 9_000,
        "X-Request-ID: " + "x" * MEGABYTE,
        "Cookie: " + "a=b; " * 20_000,
        "\r\n".join(f"X-{number}: y" for number in range(20_000)),
        "Authorization: Bearer " + "e30." * 2_000,
    ],
    ids=["token", "token 9 KB", "id", "cookies", "many", "dots"],
)
def test_headers_without_end_are_refused(folder: Path, header: str) -> None:
    """A6: by the server or the service, or the connection ends; the process lives."""
    status, _, body = asked(
        folder, f"GET /api/v2/reports/ HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n".encode()
    )
    assert status in {0, 400, 401, 413, 431}
    assert b"Traceback" not in body
    assert_serves(folder)


@pytest.mark.parametrize(
    "request_",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"a" * MEGABYTE + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        POST + b"Content-Length: -1\r\n\r\n",
        POST + b"Content-Length: 1_0\r\n\r\n0123456789",
        POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
        POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        POST + b"Transfer-Encoding: xchunked\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A : b\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b\r\n folded\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b\x00c\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /api/v2/reports/\r\nX: y HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_hardly_http_is_refused(folder: Path, request_: bytes) -> None:
    """C11, F1: an error or the connection's end, never a 500, a second answer, or silence."""
    with connected(folder) as client:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            client.sendall(request_)
            client.shutdown(socket.SHUT_WR)
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while part := client.recv(65_536):
                received += part
    statuses = [int(line.split()[1]) for line in received.split(b"\r\n") if line[:7] == b"HTTP/1."]
    assert len(statuses) <= 1
    assert all(400 <= status < 500 for status in statuses) or request_[:12] == b"GET /healthz"
    assert_serves(folder)


def test_two_hundred_slow_clients_keep_nobody_waiting(folder: Path) -> None:
    """F1: those who send headers or bodies byte by byte; threads are given to whole requests."""
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(connected(folder)) for _ in range(SLOW)]
        for number, client in enumerate(slow):
            if number % 2:
                client.sendall(b"GET /api/v2/reports/ HTTP/1.1\r\nHo")
            else:
                client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"[: 1 + number % 30])
        with ThreadPoolExecutor(8) as pool:
            for _ in pool.map(lambda _: assert_serves(folder), range(100)):
                pass
        for client in slow:
            client.sendall(b"x")
    assert_serves(folder)


def test_uploads_that_stall_are_let_go_when_their_clients_leave(folder: Path) -> None:
    """F1: more of them than there are threads; the service is there again at once."""
    head = f"POST /api/v2/orders/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token()}\r\n"
    head += "Content-Type: application/x-ndjson\r\nContent-Length: 1000\r\n\r\n{"
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(connected(folder)).sendall(head.encode())
    assert_serves(folder)


def test_readers_that_do_not_read_keep_nobody_waiting(folder: Path) -> None:
    """F1: an answer in one piece is the server's to deliver."""
    request = b"GET /api/v2/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
    with contextlib.ExitStack() as stack:
        for _ in range(SLOW):
            client = stack.enter_context(connected(folder))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1_024)
            client.sendall(request)
        for _ in range(20):
            assert_serves(folder)


def test_nothing_secret_reaches_the_log(folder: Path) -> None:
    """G2: no token, good or bad, in a header, a path or a query; one line of JSON a request."""
    good = token()
    for path in (f"/api/v2/reports/?token={good}", f"/api/v2/{good}", "/api/v2/reports/"):
        for credentials in (good, good[:-4] + "AAAA", "secret-but-no-token"):
            asked(
                folder,
                f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {credentials}\r\n"
                f"Cookie: session=secret-but-no-token\r\n\r\n".encode(),
            )
    log = (folder / "log").read_text()
    signature = good.rpartition(".")[2]
    assert signature not in log
    assert "secret-but-no-token" not in log
    assert SECRET not in log
    for line in log.splitlines():
        assert json.loads(line)["level"] in {"INFO", "WARNING", "ERROR"}, line
