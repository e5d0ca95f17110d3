"""`billing run`: start, status, watch, retry, cancel, export."""

import contextlib
import hashlib
import json
import signal
import subprocess
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from billing.bootstrap import Billing, open_storage
from billing.domain.access import Access
from billing.domain.errors import AmountTooLargeError
from billing.domain.report_query import ReportQuery
from billing.entrypoints.cli.main import billing as billing_command
from tests.integration.cli.conftest import Run, start

PROC = Path("/proc")
MARCH = ("run", "start", "--period", "2023-03")


def shown(run: Run, *args: str) -> Any:
    """Return what a command prints as JSON."""
    done = run(*args, "--format", "json")
    return json.loads(done.stdout, parse_float=Decimal)


def break_customer(billing: Billing, monkeypatch: pytest.MonkeyPatch, customer_id: int) -> None:
    """Let the billing of a customer be refused."""
    prepare = billing.generator.prepare

    def broken(wanted: int, *args: object, **options: object) -> object:
        if wanted == customer_id:
            raise AmountTooLargeError("The report")
        return prepare(wanted, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(billing.generator, "prepare", broken)


@pytest.mark.usefixtures("world")
def test_a_run_is_queued_and_shown(run: Run) -> None:
    """Without --wait the work is left to others; the same call finds the same run."""
    done = run(*MARCH)
    assert done.exit_code == 0, done.stderr
    assert done.stderr == "Run 1 is queued; billing serve and billing worker work on it.\n"
    assert done.stdout == (
        "Run        1 (queued)\n"
        "Period     2023-03-01 to 2023-03-31\n"
        "Created    2023-05-01T12:00:00Z\n"
        "Customers  0 of 5 done\n"
    )
    assert shown(run, *MARCH)["id"] == 1
    assert run("run", "status", "1").stdout == done.stdout


def test_a_run_that_is_waited_for_is_done(run: Run, world: Billing) -> None:
    """In memory the command does the work; its totals are those of its reports."""
    done = run(*MARCH, "--wait")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("Run        1 (done)\n")
    assert "Customers  5 of 5 done\n" in done.stdout
    assert "Run 1: 1 of 5 done" in done.stderr
    totals = shown(run, "run", "status", "1")["totals"]
    reports = [r for r in world.archive.find(ReportQuery()) if r.period.start.month == 3]
    assert totals.keys() == {"USD", "EUR", "JPY", "KWD"}
    for currency, amount in totals.items():
        assert amount == sum(r.total_amount for r in reports if r.currency == currency)
    assert run("run", "watch", "1").stdout == run("run", "status", "1").stdout


@pytest.mark.usefixtures("world")
def test_runs_and_items_are_listed(run: Run) -> None:
    """As tables and as JSON."""
    run("run", "start", "--start-date", "2023-03-01", "--end-date", "2023-03-02", "--wait")
    run(*MARCH)
    listed = run("run", "status").stdout.splitlines()
    assert listed[0].split() == ("ID FROM TO CREATED STATE CUSTOMERS DONE FAILED TOTALS".split())
    assert [line.split()[0] for line in listed[1:]] == ["2", "1"]
    assert [found["id"] for found in shown(run, "run", "status")] == [2, 1]
    items = shown(run, "run", "status", "2", "--items")
    assert {item["state"] for item in items} == {"queued"}
    table = run("run", "status", "1", "--items").stdout.splitlines()
    assert table[0].split() == ["CUSTOMER", "STATE", "REPORT", "ERROR"]
    assert len(table) == 1 + shown(run, "run", "status", "1")["total"]


def test_a_failed_item_is_an_exit_code(
    run: Run, world: Billing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1 from every command that shows the run, until a retry has billed the customer."""
    customer = next(c.customer_id for c in world.archive.summaries())
    with monkeypatch.context() as patch:
        break_customer(world, patch, customer)
        done = run(*MARCH, "--wait")
    assert done.exit_code == 1
    assert "4 of 5 done, 1 failed" in done.stdout
    for args in (("status", "1"), ("watch", "1"), ("status", "1", "--items")):
        assert run("run", *args).exit_code == 1
    assert "exceeds" in run("run", "status", "1", "--items").stdout
    retried = run("run", "retry", "1", "--wait")
    assert (retried.exit_code, shown(run, "run", "status", "1")["state"]) == (0, "done")
    assert run("run", "retry", "1").stderr == "Error: Run 1 has no failed items\n"


@pytest.mark.usefixtures("world")
def test_a_run_is_cancelled(run: Run) -> None:
    """And says so."""
    run(*MARCH)
    assert run("run", "cancel", "1").stdout.startswith("Run        1 (cancelled)\n")
    assert run("run", "watch", "1").exit_code == 0
    assert run("run", "cancel", "9").stderr == "Error: Run 9 not found\n"


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("name", ["csv", "pdf", "json"])
def test_an_export_is_a_file_each_and_a_manifest(run: Run, tmp_path: Path, name: str) -> None:
    """The files are those of the download, and the manifest has their hashes."""
    run(*MARCH, "--wait")
    done = run("run", "export", "1", str(tmp_path / "march"), "--format", name)
    assert (done.exit_code, done.stdout) == (0, ""), done.stderr
    manifest = json.loads((tmp_path / "march/manifest.json").read_text())
    assert manifest["run"]["state"] == "done"
    assert manifest["missing"] == []
    assert len(manifest["files"]) == 5
    names = {entry["file"] for entry in manifest["files"]} | {"manifest.json"}
    assert {path.name for path in (tmp_path / "march").iterdir()} == names
    for entry in manifest["files"]:
        content = (tmp_path / "march" / entry["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
        assert len(content) == entry["bytes"]
        assert (
            content
            == run("report", "download", str(entry["report_id"]), "--format", name).stdout_bytes
        )
    assert [path.name for path in tmp_path.iterdir()] == ["march"]
    again = run("run", "export", "1", str(tmp_path / "march"))
    assert (again.exit_code, "is not empty" in again.stderr) == (1, True)


def test_an_export_names_who_is_missing(
    run: Run, world: Billing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the reason, and exit code 1; a run that lives is not exported."""
    customer = next(c.customer_id for c in world.archive.summaries())
    run(*MARCH)
    early = run("run", "export", "1", str(tmp_path / "march"))
    assert early.stderr == "Error: Run 1 is queued: export it when it has ended.\n"
    break_customer(world, monkeypatch, customer)
    run(*MARCH, "--wait")
    done = run("run", "export", "1", str(tmp_path / "march"))
    assert done.exit_code == 1
    missing = json.loads((tmp_path / "march/manifest.json").read_text())["missing"]
    assert missing == [{"customer_id": customer, "error": str(AmountTooLargeError("The report"))}]


def test_an_export_that_fails_leaves_nothing(
    run: Run, world: Billing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No directory that looks whole, and nothing beside it."""
    run(*MARCH, "--wait")

    def broken(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(world.archive, "export", broken)
    done = run("run", "export", "1", str(tmp_path / "march"))
    assert (done.exit_code, done.stderr) == (1, "Error: No space left on device\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("args", "code", "why"),
    [
        ((), 2, "Give --period, or --start-date and --end-date."),
        (("--period", "2023-13"), 2, "Not a valid month: give it as YYYY-MM."),
        (("--period", "2023-03", "--start-date", "2023-03-01"), 2, "Give --period, or"),
        (("--start-date", "2023-03-01"), 2, "Give --period, or"),
        (("--period", "2023-03", "--customer", "999"), 1, "Customer with ID 999 not found"),
        (("--period", "1999-03"), 1, "No customer has orders in this period"),
    ],
)
def test_what_cannot_be_started_is_one_line(
    run: Run, args: tuple[str, ...], code: int, why: str
) -> None:
    """2 for wrong usage, 1 for a refusal."""
    done = run("run", "start", *args)
    assert (done.exit_code, why in done.stderr) == (code, True), done.stderr


def test_processes_of_this_machine_do_the_work(environment: dict[str, str], command: Run) -> None:
    """With a database, --wait starts workers and ends them; they log no line for each customer."""
    assert command("demo").exit_code == 0
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with start(environment, *MARCH, "--wait", "--format", "json", **pipes) as process:
        output, told = process.communicate(timeout=60)
    assert "item done" not in str(told)
    run = json.loads(output)
    assert (process.returncode, run["state"], run["done"]) == (0, "done", 5)


def test_a_worker_on_a_database_in_memory_is_refused() -> None:
    """It would work on nothing."""
    done = CliRunner().invoke(
        billing_command, ["worker"], env={"BILLING_DATABASE_URL": "memory://"}
    )
    assert (done.exit_code, done.stderr.startswith("Error: BILLING_DATABASE_URL takes ")) == (
        1,
        True,
    )


@pytest.mark.skipif(not PROC.is_dir(), reason="Processes are looked up in /proc.")
def test_a_killed_server_leaves_no_process_behind(environment: dict[str, str]) -> None:
    """Its workers and its own children see that it is gone, however it went."""
    with start(environment, "serve", "--port", "0", stderr=subprocess.PIPE) as server:
        assert server.stderr is not None
        assert b"Serving" in server.stderr.readline()
        wait_for(lambda: len(children(server.pid)) > 1)  # The server's worker, and ours.
        left = children(server.pid)
        server.kill()
    wait_for(lambda: not any((PROC / str(pid)).is_dir() for pid in left))


def children(parent: int) -> set[int]:
    """Return the ids of the processes that a process started."""
    found = set()
    for path in PROC.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == parent:
                found.add(int(path.parent.name))
    return found


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something holds; a machine that is busy takes its time."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_server_works_on_runs_that_others_start(
    environment: dict[str, str], command: Run
) -> None:
    """Its workers see them in the database; with the server they end."""
    assert command("demo").exit_code == 0
    with start(environment, "serve", "--port", "0", stderr=subprocess.PIPE) as server:
        try:
            assert server.stderr is not None
            assert b"Serving" in server.stderr.readline()
            assert command(*MARCH).exit_code == 0
            assert command("run", "watch", "1").exit_code == 0
            run = json.loads(command("run", "status", "1", "--format", "json").stdout)
            assert (run["state"], run["done"]) == ("done", 5)
            server.send_signal(signal.SIGTERM)
            assert server.wait(timeout=60) == 0
        finally:
            server.kill()
    storage = open_storage(environment["BILLING_DATABASE_URL"])
    with storage.snapshot(Access.everything()) as view:
        assert view.reports.count(ReportQuery()) == 2 + 5
