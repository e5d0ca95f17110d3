"""The factory, and a real granian around it: what only a server can show."""

import gc
import http.client
import json
import logging
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from billing.bootstrap import SystemClock
from billing.entrypoints.http import wsgi
from billing.entrypoints.tokens import SCOPES, issue
from billing.settings import Settings
from tests import servers
from tests.integration.http.conftest import SECRET

MEGABYTE = 1_048_576
ORDERS = "/api/v2/orders/"
TOO_LARGE = {"detail": "The request body is too large: at most 1 MB."}


@pytest.fixture
def _restored() -> Iterator[None]:
    """Put back what a process sets once for itself."""
    root, ours = logging.getLogger(), logging.getLogger("billing")
    before = root.handlers[:], root.level, ours.level, gc.get_threshold()
    yield
    root.handlers[:], root.level = before[0], before[1]
    ours.setLevel(before[2])
    gc.set_threshold(*before[3])
    gc.unfreeze()


@pytest.mark.usefixtures("_restored")
def test_the_environment_makes_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """The factory takes no argument; it calms the collector once all is loaded."""
    monkeypatch.setenv("BILLING_JWT_SECRET", SECRET)
    monkeypatch.setenv("BILLING_DATABASE_URL", "memory://")
    client = wsgi.create().test_client()
    assert client.get("/readyz").status_code == 200
    assert gc.get_threshold()[0] >= 50_000
    assert gc.get_freeze_count() > 0


@pytest.mark.usefixtures("_restored")
@pytest.mark.parametrize("secret", ["", "too short"])
def test_a_wrong_environment_ends_the_process_with_one_line(
    monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    """Before anything listens; the value is not told."""
    monkeypatch.setenv("BILLING_JWT_SECRET", secret)
    monkeypatch.setenv("BILLING_DATABASE_URL", "memory://")
    with pytest.raises(SystemExit) as caught:
        wsgi.create()
    assert str(caught.value.code).startswith("billing: BILLING_JWT_SECRET takes ")
    assert "\n" not in str(caught.value.code)
    assert "too short" not in str(caught.value.code)


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    """Run granian on a unix socket for the tests of this module; the path of its socket."""
    with servers._folder() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("BILLING_JWT_SECRET", SECRET)
        patch.setenv("BILLING_DATABASE_URL", "memory://")
        patch.setenv("BILLING_MAX_BODY_MB", "1")
        path = folder / "billing.sock"
        granian = Path(sys.executable).with_name("granian")
        command: list[str | Path] = [granian, "--interface", "wsgi", "--log-level", "error"]
        command += ["--factory", "billing.entrypoints.http.wsgi:create", "--uds", path]
        with servers._running(command, folder, lambda: servers._answers(path)):
            yield path


@contextmanager
def connected(server: Path) -> Iterator[http.client.HTTPConnection]:
    """Connect to the server."""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(30)
    connection.sock.connect(str(server))
    try:
        yield connection
    finally:
        connection.close()


def headers(**more: str) -> dict[str, str]:
    """Return the headers of a caller who may do everything."""
    now = SystemClock().now() - timedelta(seconds=1)
    token = issue(Settings(jwt_secret=SECRET), "alice", SCOPES, None, 1, now)
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson", **more}


def test_a_body_in_chunks_is_read_to_its_end(server: Path) -> None:
    """There is no declared length, and none is needed."""
    rows = [b'{"customer_id": 1, "order_id": 1}\n'] * 3
    with connected(server) as connection:
        connection.request("POST", ORDERS, iter(rows), headers(), encode_chunked=True)
        response = connection.getresponse()
        assert response.status == 400
        assert json.load(response)["error"] == "3 of 3 rows are invalid"


@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_over_the_limit_is_refused(server: Path, chunked: bool) -> None:
    """Declared or not; a body of exactly the limit is read."""
    line = b" " * 65_535 + b"\n"
    for lines, status in ((16, 200), (17, 413)):
        with connected(server) as connection:
            body = iter([line] * lines)
            length = {} if chunked else {"Content-Length": str(lines * len(line))}
            with suppress(BrokenPipeError):  # The answer came before all was sent.
                connection.request("POST", ORDERS, body, headers(**length), encode_chunked=chunked)
            response = connection.getresponse()
            answer = json.load(response)
            assert response.status == status
            assert answer == TOO_LARGE or status == 200


def test_a_refusal_that_left_a_body_unread_ends_the_connection(server: Path) -> None:
    """And says so, for a client that would send its next request over it; others go on."""
    with connected(server) as connection:
        for _ in range(3):
            connection.request("GET", "/api/v2/reports/")
            response = connection.getresponse()
            assert (response.status, response.getheader("Connection")) == (401, None)
            response.read()
        connection.request("POST", ORDERS, b"x" * 1_000)
        response = connection.getresponse()
        assert (response.status, response.getheader("Connection")) == (401, "close")
        assert json.load(response).keys() == {"detail"}


def test_a_body_that_is_cut_short_is_refused(server: Path) -> None:
    """Half of an upload is not the whole, even if it ends with a row."""
    with connected(server) as connection:
        connection.putrequest("POST", ORDERS)
        for name, value in headers(**{"Content-Length": "1000"}).items():
            connection.putheader(name, value)
        connection.endheaders(b'{"customer_id": 1, "order_id": 1}\n')
        assert connection.sock is not None
        connection.sock.shutdown(socket.SHUT_WR)
        response = connection.getresponse()
        assert (response.status, json.load(response)) == (400, {"error": "Bad Request."})


def test_head_answers_the_length_and_no_body(server: Path) -> None:
    """And the connection goes on behind it."""
    with connected(server) as connection:
        connection.request("GET", "/api/v2/openapi.json")
        length = len(connection.getresponse().read())
        connection.request("HEAD", "/api/v2/openapi.json")
        response = connection.getresponse()
        assert (response.headers["Content-Length"], response.read()) == (str(length), b"")
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200


def test_two_authorization_headers_are_refused(server: Path) -> None:
    """Whichever of them is good."""
    good = headers()["Authorization"]
    for first, second in ((good, "Bearer x"), ("Bearer x", good), (good, good)):
        with connected(server) as connection:
            connection.putrequest("GET", "/api/v2/reports/")
            connection.putheader("Authorization", first)
            connection.putheader("Authorization", second)
            connection.endheaders()
            response = connection.getresponse()
            assert (response.status, json.load(response)) == (401, {"detail": "Invalid token."})
