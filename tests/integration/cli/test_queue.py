"""`billing worker` and `billing serve` with a broker."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from billing.domain.access import Access
from billing.domain.report_query import ReportQuery
from billing.entrypoints.cli.application import opened_storage
from tests.integration.cli.conftest import Run, start
from tests.integration.cli.test_run import PROC, children, wait_for

SHARED = (
    "postgresql+psycopg://<user>@<host>/<name> together with BILLING_QUEUE_URL: "
    "other machines see neither a SQLite file nor what is in memory."
)
MARCH = ("run", "start", "--period", "2023-03")


@pytest.fixture
def environment(
    environment: dict[str, str], postgres_url: Callable[[], str], valkey_url: str
) -> dict[str, str]:
    """Return the environment of a process with a new database and a broker."""
    return {
        **environment,
        "BILLING_DATABASE_URL": postgres_url(),
        "BILLING_QUEUE_URL": valkey_url,
    }


@pytest.fixture
def world(command: Run) -> None:
    """Put the sample world into the database."""
    assert command("db", "upgrade").exit_code == 0
    assert command("demo").exit_code == 0


@contextmanager
def working(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker, and end it as the system does."""
    with start(environment, "worker", "--concurrency", "2") as worker:
        try:
            yield worker
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(timeout=60) == 0
        finally:
            worker.kill()


def check(environment: dict[str, str], command: Run) -> None:
    """Hold the run to its end, and the database to a report for each customer."""
    assert command("run", "watch", "1").exit_code == 0
    run = json.loads(command("run", "status", "1", "--format", "json").stdout)
    assert (run["state"], run["done"]) == ("done", 5)
    with (
        opened_storage(environment["BILLING_DATABASE_URL"]) as storage,
        storage.snapshot(Access.everything()) as view,
    ):
        assert view.reports.count(ReportQuery()) == 2 + 5


@pytest.mark.usefixtures("world")
def test_a_worker_does_what_it_is_hinted_at(environment: dict[str, str], command: Run) -> None:
    """Whoever starts the run, wherever; it ends in order."""
    with working(environment):
        assert command(*MARCH).exit_code == 0
        check(environment, command)


@pytest.mark.usefixtures("world")
def test_a_worker_does_without_its_broker(
    environment: dict[str, str], command: Run, tmp_path: Path
) -> None:
    """It looks for work by itself, and the commands say what is amiss in one line."""
    environment["BILLING_QUEUE_URL"] = f"redis+unix://{tmp_path}/none.sock"
    with working(environment):
        assert command(*MARCH).exit_code == 0
        check(environment, command)


@pytest.mark.skipif(not PROC.is_dir(), reason="Processes are looked up in /proc.")
@pytest.mark.usefixtures("world")
def test_a_killed_worker_leaves_no_process_behind(environment: dict[str, str]) -> None:
    """Celery and its processes see that it is gone, however it went."""
    with start(environment, "worker", "--concurrency", "2") as worker:
        wait_for(lambda: any(len(children(pid)) == 2 for pid in children(worker.pid)))
        left = {pid for parent in children(worker.pid) for pid in (parent, *children(parent))}
        worker.kill()
    wait_for(lambda: not any((PROC / str(pid)).is_dir() for pid in left))


def test_a_service_with_a_queue_does_not_work_itself(
    environment: dict[str, str], command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The processes of the other machines do; requests have this one to themselves."""
    started = []

    class StandIn:
        """Takes the place of the server, and of what it keeps beside it."""

        def __init__(self, *arguments: object, **_: object) -> None:
            started.append(arguments)

        def on_startup(self, callback: Callable[[], None]) -> None:
            callback()

        def serve(self) -> None:
            pass

        start = stop = serve

    assert command("db", "upgrade").exit_code == 0
    monkeypatch.setattr("billing.entrypoints.cli.serve.Server", StandIn)
    monkeypatch.setattr("billing.entrypoints.cli.serve.KeptAlive", StandIn)
    monkeypatch.setenv("BILLING_THREADS", os.environ.get("BILLING_THREADS", ""))
    for url, processes in ((environment["BILLING_QUEUE_URL"], 0), ("", 1)):
        started.clear()
        done = command("serve", "--port", "0", BILLING_QUEUE_URL=url)
        assert done.exit_code == 0, done.stderr
        assert len(started) == 1 + processes


@pytest.mark.parametrize("command_name", ["worker", "serve", "demo"])
@pytest.mark.parametrize("database", ["sqlite:///var/billing.db", "memory://"])
def test_a_database_that_others_cannot_see_is_refused(
    command: Run, command_name: str, database: str
) -> None:
    """Workers elsewhere would work on nothing."""
    done = command(command_name, BILLING_DATABASE_URL=database)
    assert (done.exit_code, done.stderr) == (
        1,
        f"Error: BILLING_DATABASE_URL takes {SHARED}\n",
    )


@pytest.mark.parametrize("command_name", ["worker", "serve"])
def test_a_missing_package_is_one_line(
    command: Run, command_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the extra."""
    assert command("db", "upgrade").exit_code == 0
    monkeypatch.setattr("billing.bootstrap.find_spec", lambda _: None)
    done = command(command_name)
    assert done.exit_code == 1
    assert done.stderr.endswith(
        "BILLING_QUEUE_URL needs optional packages: pip install 'billing[celery]'\n"
    )
