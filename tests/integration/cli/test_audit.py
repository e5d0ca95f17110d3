"""`billing audit`: who did what, as a table, JSON and CSV; and what commands record."""

import csv
import getpass
import io
import json
from pathlib import Path
from typing import Any

import jwt
import pytest

from billing.bootstrap import Billing
from billing.domain.audit import Author
from billing.domain.catalog_rows import CustomerRows
from tests.integration.cli.conftest import SECRET, Run

ME = f"os-user:{getpass.getuser()}"


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILLING_JWT_SECRET", SECRET)


def audit(run: Run, *options: str) -> list[dict[str, Any]]:
    """Return the entries, newest first."""
    done = run("audit", "--format", "json", *options)
    assert (done.exit_code, done.stderr) == (0, "")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_an_empty_trail_is_shown(run: Run) -> None:
    """In every format."""
    assert audit(run) == []
    assert run("audit").stdout.startswith("ID  WHEN  WHO  WHAT")
    assert run("audit", "--format", "csv").stdout.startswith("id,at,actor,request_id,action,")


def test_an_issued_token_is_recorded_without_itself(run: Run) -> None:
    """Who issued it, by its jti, and what it grants."""
    issued = run("token", "issue", "--subject", "alice", "--customer", "7", "--days", "2")
    token = issued.stdout.strip()
    claims = jwt.decode(token, options={"verify_signature": False})
    (entry,) = audit(run)
    assert (entry["action"], entry["object_kind"], entry["object_id"]) == (
        "token.issued",
        "token",
        claims["jti"],
    )
    assert (entry["actor"], entry["request_id"], entry["customer_id"]) == (ME, None, None)
    assert (entry["details"]["subject"], entry["details"]["customers"]) == ("alice", [7])
    told = "".join(run("audit", "--format", name).stdout for name in ("table", "json", "csv"))
    assert claims["jti"] in told
    assert all(part not in told for part in token.split("."))


def test_a_revoked_token_is_recorded_once(run: Run) -> None:
    """Who sits there, on whose word and why."""
    run("token", "issue", "--subject", "alice")
    (issued,) = audit(run)
    for _ in range(2):
        run("token", "revoke", issued["object_id"], "--by", "eve", "--reason", "left")
    revoked, first = audit(run)
    assert first == issued
    assert (revoked["action"], revoked["object_id"]) == ("token.revoked", issued["object_id"])
    assert (revoked["actor"], revoked["hash_before"]) == (ME, issued["hash_after"])
    assert revoked["details"] == {"reason": "left", "by": "eve", "subject": "alice"}
    run("token", "revoke", "--subject", "alice")
    subject = audit(run)[0]
    assert (subject["action"], subject["object_kind"], subject["object_id"]) == (
        "subject.revoked",
        "subject",
        "alice",
    )


@pytest.mark.usefixtures("world")
def test_an_import_and_a_purge_are_recorded(run: Run, tmp_path: Path) -> None:
    """By whoever sits at the command line; the demo's world too."""
    assert {entry["actor"] for entry in audit(run)} == {"unnamed"}  # The fixture names nobody.
    file = tmp_path / "customers.csv"
    file.write_text("id,name\n9,New\n")
    assert run("import", "customers", str(file), "--dry-run").exit_code == 0
    assert audit(run, "--actor", ME) == []
    for _ in range(2):
        assert run("import", "customers", str(file)).exit_code == 0
    assert run("purge", "--before", "2023-01-10").exit_code == 0
    mine = audit(run, "--actor", ME)
    assert mine[-1]["action"] == "customer.created"
    purged = {entry["action"] for entry in mine[:-1]}
    assert purged == {"orders.purged"}
    assert all(entry["details"]["before"] == "2023-01-10" for entry in mine[:-1])


def test_the_sample_world_is_recorded(run: Run) -> None:
    """As loaded by whoever did."""
    assert run("demo").exit_code == 0
    assert {entry["actor"] for entry in audit(run)} == {ME}
    assert {entry["object_kind"] for entry in audit(run)} == {
        "customer",
        "service",
        "products",
        "rate_card",
    }


@pytest.mark.usefixtures("world")
def test_entries_are_filtered_and_paged(run: Run) -> None:
    """By the same filters as over HTTP."""
    everything = audit(run)
    cards = audit(run, "--object-kind", "rate_card", "--customer", "123")
    assert cards == [
        entry
        for entry in everything
        if (entry["object_kind"], entry["customer_id"]) == ("rate_card", 123)
    ]
    assert audit(run, "--action", "service.created", "--object-id", "1")[0]["object_id"] == "1"
    assert audit(run, "--created-after", "2023-05-02") == []
    assert audit(run, "--created-before", "2023-04-30") == []
    assert (
        audit(run, "--created-after", "2023-05-01", "--created-before", "2023-05-01") == everything
    )
    assert audit(run, "--page", "2", "--page-size", "3") == everything[3:6]


def test_a_table_and_a_csv_are_written(run: Run, billing: Billing, tmp_path: Path) -> None:
    """Nothing in the CSV is run by a spreadsheet; -o writes a file."""
    rows = [{"id": 9, "name": "New"}]
    billing.intake.store(rows, CustomerRows(), author=Author("=1+1", "@r"))
    table = run("audit").stdout.splitlines()
    assert len(table) == 2
    assert "customer.created" in table[1]
    target = tmp_path / "audit.csv"
    done = run("audit", "--format", "csv", "-o", str(target))
    assert (done.exit_code, done.stdout) == (0, "")
    (line,) = csv.DictReader(io.StringIO(target.read_text()))
    assert (line["actor"], line["request_id"], line["details"]) == ("'=1+1", "'@r", "{}")
    assert (line["customer_id"], line["hash_before"]) == ("9", "")


@pytest.mark.parametrize(
    "options",
    [
        ("--customer", "x"),
        ("--actor", " "),
        ("--action", "a\nb"),
        ("--created-after", "yesterday"),
        ("--page-size", "1001"),
        ("--page", "99999999999999999999"),
    ],
)
def test_what_cannot_be_asked_is_refused(run: Run, options: tuple[str, ...]) -> None:
    """As wrong usage, with one line."""
    done = run("audit", *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
