"""`billing serve`: a real server, from its start to its end."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from tests.integration.cli.conftest import Run, start


@contextmanager
def serving(environment: dict[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run the server on a free port; yield it and its URL, once it listens."""
    with start(environment, "serve", "--port", "0", stderr=subprocess.PIPE) as server:
        try:
            assert server.stderr is not None
            line = server.stderr.readline().decode()
            found = re.search(r"http://\S+:[0-9]+(?=/)", line)
            assert found, line + server.stderr.read().decode()
            yield server, found[0]
        finally:
            server.kill()


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """Return a client that waits for a server that is still starting."""
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=Retry(connect=12, backoff_factor=0.05)))
        yield session


def test_it_serves_the_api_and_ends_on_sigterm(
    environment: dict[str, str], command: Run, session: requests.Session
) -> None:
    """From an empty folder: migrated, ready, documented, guarded; and it exits with 0."""
    with serving(environment) as (server, url):
        assert session.get(f"{url}/readyz", timeout=10).status_code == 200
        assert session.get(f"{url}/api/v2/docs", timeout=10).status_code == 200
        assert session.get(f"{url}/api/v2/reports/", timeout=10).status_code == 401
        token = command("token", "issue", "--subject", "alice").stdout.strip()
        command("demo")
        reports = session.get(
            f"{url}/api/v2/reports/", headers={"Authorization": f"Bearer {token}"}, timeout=10
        )
        assert [report["id"] for report in reports.json()] == [2, 1]
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=30) == 0


def test_ctrl_c_ends_it_as_well(environment: dict[str, str], session: requests.Session) -> None:
    """It is the usual way to stop a server in a terminal, so it is no failure."""
    with serving(environment) as (server, url):
        session.get(f"{url}/healthz", timeout=10)
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=30) == 0


def test_a_busy_port_is_one_line(command: Run) -> None:
    """Whoever listens there, another program or another `billing serve`."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = command("serve", "--port", str(port))
    assert done.exit_code == 1
    expected = f"Error: Cannot listen on 127.0.0.1, port {port}: Address already in use\n"
    assert done.stderr == expected


@pytest.mark.parametrize(
    ("args", "settings", "why"),
    [
        ((), {"BILLING_JWT_SECRET": "short"}, "BILLING_JWT_SECRET takes "),
        ((), {"BILLING_JWT_SECRET": ""}, "BILLING_JWT_SECRET takes "),
        ((), {"BILLING_RATE_LIMIT": "often"}, "BILLING_RATE_LIMIT takes "),
        ((), {"BILLING_THREADS": "many"}, "BILLING_THREADS takes "),
        (("--workers", "2"), {}, "BILLING_RATE_LIMIT_STORAGE takes "),
        (
            ("--workers", "2"),
            {
                "BILLING_DATABASE_URL": "memory://",
                "BILLING_RATE_LIMIT_STORAGE": "redis://127.0.0.1:1",
            },
            "BILLING_DATABASE_URL takes ",
        ),
        (("--host", "nowhere.invalid"), {}, "Cannot listen on nowhere.invalid, port 8000: "),
    ],
)
def test_what_cannot_be_served_is_one_line(
    command: Run, args: tuple[str, ...], settings: dict[str, str], why: str
) -> None:
    """A wrong setting names itself and what it takes."""
    done = command("serve", *args, **settings)
    assert done.exit_code == 1
    assert done.stderr.startswith(f"Error: {why}")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("args", "setting", "threads"),
    [
        ((), "", 8),
        ((), "5", 5),
        (("--threads", "3"), "", 3),
        (("--threads", "3"), "5", 3),
    ],
)
def test_the_workers_know_how_many_threads_they_have(
    command: Run,
    monkeypatch: pytest.MonkeyPatch,
    args: tuple[str, ...],
    setting: str,
    threads: int,
) -> None:
    """From the option or the setting: they keep some of them from large answers."""
    seen = []

    class StandIn:
        """Takes the server's place, and notes what it and its workers would get."""

        def __init__(self, *_: object, blocking_threads: int, **__: object) -> None:
            seen.append(str(blocking_threads))

        def on_startup(self, _: object) -> None:
            pass

        def serve(self) -> None:
            seen.append(os.environ["BILLING_THREADS"])

    monkeypatch.setattr("billing.entrypoints.cli.serve.Server", StandIn)
    done = command("serve", "--port", "0", *args, BILLING_THREADS=setting)
    assert done.exit_code == 0, done.stderr
    assert seen == [str(threads)] * 2


def test_a_database_that_is_behind_is_not_served(
    command: Run, postgres_url: Callable[[], str]
) -> None:
    """A shared database is upgraded on purpose."""
    done = command("serve", "--port", "0", BILLING_DATABASE_URL=postgres_url())
    assert done.exit_code == 1
    assert "run billing db upgrade" in done.stderr


def test_requests_under_way_are_answered_before_it_ends(
    environment: dict[str, str], command: Run, session: requests.Session
) -> None:
    """SIGTERM in the middle of an upload: what was begun is finished, stored and said."""
    token = command("token", "issue", "--subject", "alice").stdout.strip()
    command("demo")
    row = b'{"customer_id": 123, "order_id": 777}\n'
    with serving(environment) as (server, url):
        session.get(f"{url}/healthz", timeout=10)
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
        connection.putrequest("POST", "/api/v2/orders/")
        connection.putheader("Authorization", f"Bearer {token}")
        connection.putheader("Content-Type", "application/x-ndjson")
        connection.putheader("Content-Length", str(len(row)))
        connection.endheaders(row[:10])
        # The thread that reads this body works before the signal does.
        session.get(f"{url}/healthz", timeout=10)
        server.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            server.wait(timeout=1)
        connection.send(row[10:])
        response = connection.getresponse()
        assert response.status == 200
        assert json.load(response)["created"] == 1
        connection.close()
        assert server.wait(timeout=30) == 0
