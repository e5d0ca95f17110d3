"""`billing db backup`: a copy made while the database is in use, and its restore."""

import os
import shutil
import sqlite3
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from billing.adapters.sql import backup
from billing.adapters.sql.storage import SqlStorage
from billing.bootstrap import compose
from billing.domain.access import Access
from billing.domain.catalog import Customer
from billing.domain.report_query import ReportQuery, Slice
from billing.testing.world import ACME, JANUARY, fill
from tests import servers
from tests.integration.cli.conftest import Run

EVERYTHING = Access.everything()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqlStorage]:
    """Return the storage that the commands' settings name, with a small world and a report."""
    storage = SqlStorage.open(f"sqlite:///{tmp_path / 'billing.db'}")
    storage.upgrade()
    fill(storage)
    compose(storage).generator.generate(ACME, JANUARY)
    yield storage
    storage.close()


def bills(storage: SqlStorage) -> list[bytes]:
    """Return every report, byte for byte."""
    archive = compose(storage).archive
    with storage.snapshot(EVERYTHING) as view:
        ids = [headline.id for headline in view.reports.page(ReportQuery(), Slice())]
    return [b"".join(archive.open(report_id).section("orders")) for report_id in ids]


def test_a_backup_is_restored_as_documented(
    command: Run, database: SqlStorage, tmp_path: Path
) -> None:
    """While somebody writes: each transaction is in it whole or not; then put back and served."""
    stop = threading.Event()
    written = []

    def write() -> None:
        number = 1_000
        while not stop.is_set():
            with database.transaction(EVERYTHING) as tx:
                for customer_id in (number, number + 1):
                    tx.customers.save(Customer(customer_id, "Pair"))
            written.append(number)
            number += 2

    writer = threading.Thread(target=write)
    writer.start()
    copy = tmp_path / "copy.db"
    try:
        for _ in range(5):
            done = command("db", "backup", str(copy), "--replace")
            assert done.exit_code == 0, done.stderr
    finally:
        stop.set()
        writer.join()
    before = bills(database)
    database.close()

    for end in ("", "-wal", "-shm"):
        (tmp_path / f"billing.db{end}").unlink(missing_ok=True)
    shutil.copy(copy, tmp_path / "billing.db")
    assert command("db", "check").exit_code == 0
    assert bills(database) == before
    with database.snapshot(EVERYTHING) as view:
        pairs = [one.id for one in view.customers.page(Slice()) if one.name == "Pair"]
    assert 0 < len(pairs) <= 2 * len(written)
    assert len(pairs) % 2 == 0
    assert pairs == list(range(1_000, 1_000 + len(pairs)))


@pytest.mark.usefixtures("database")
def test_a_backup_is_the_owner_s_and_takes_no_other_file_s_place(
    command: Run, tmp_path: Path
) -> None:
    """Unless it is told to; and it leaves nothing else behind."""
    copy = tmp_path / "copy.db"
    assert command("db", "backup", str(copy)).exit_code == 0
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    copy.write_bytes(b"precious")
    refused = command("db", "backup", str(copy))
    assert refused.exit_code == 1
    assert refused.stderr.endswith("exists already: give another file, or say --replace.\n")
    assert copy.read_bytes() == b"precious"
    assert command("db", "backup", str(copy), "--replace").exit_code == 0
    with closing(sqlite3.connect(copy)) as found:
        assert found.execute("SELECT count(*) FROM reports").fetchone() == (1,)
    assert not [path for path in tmp_path.iterdir() if "partial" in path.name]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("name", ["billing.db", "billing.db-wal", "./billing.db", "linked.db"])
def test_a_backup_never_takes_the_database_s_own_place(
    command: Run, tmp_path: Path, name: str
) -> None:
    """Not even when it may replace a file."""
    (tmp_path / "linked.db").symlink_to(tmp_path / "billing.db")
    before = (tmp_path / "billing.db").read_bytes()
    refused = command("db", "backup", str(tmp_path / name), "--replace")
    assert refused.exit_code == 1
    assert "is the database itself" in refused.stderr
    assert (tmp_path / "billing.db").read_bytes() == before


@pytest.mark.usefixtures("database")
def test_a_backup_that_fails_leaves_nothing(
    command: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a file that looks like a backup nor a part of one."""
    (tmp_path / "old.db").write_bytes(b"old")
    monkeypatch.setattr(backup, "_sync", fail)
    assert command("db", "backup", str(tmp_path / "new.db")).exit_code == 1
    assert command("db", "backup", str(tmp_path / "old.db"), "--replace").exit_code == 1
    assert (tmp_path / "old.db").read_bytes() == b"old"
    names = {path.name for path in tmp_path.iterdir()}
    assert not names - {"billing.db", "billing.db-wal", "billing.db-shm", "old.db"}
    missing = command("db", "backup", str(tmp_path / "no" / "new.db"))
    assert (missing.exit_code, missing.stderr.count("\n")) == (1, 1)


def fail(_: Path) -> None:
    """Fail as a disk does."""
    raise OSError(28, "No space left on device")


def test_a_database_that_is_not_there_is_not_made(command: Run, tmp_path: Path) -> None:
    """An empty copy of a mistyped path would pass for a backup."""
    done = command("db", "backup", str(tmp_path / "copy.db"))
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: There is no database at ")
    assert list(tmp_path.iterdir()) == []


def test_other_databases_are_not_backed_up_here(
    command: Run, postgres_url: Callable[[], str], tmp_path: Path
) -> None:
    """PostgreSQL has tools of its own; memory has nothing to keep."""
    url = postgres_url()
    assert command("db", "upgrade", BILLING_DATABASE_URL=url).exit_code == 0
    for database, reason in ((url, "pg_dump"), ("memory://", "in memory has nothing to back up")):
        done = command("db", "backup", str(tmp_path / "x"), BILLING_DATABASE_URL=database)
        assert done.exit_code == 1
        assert reason in done.stderr
        assert done.stderr.count("\n") == 1
    assert not (tmp_path / "x").exists()


def test_postgresql_is_dumped_and_restored_as_documented(
    postgres_url: Callable[[], str], postgres_server: Path, tmp_path: Path
) -> None:
    """pg_dump and pg_restore, into an empty database; the ids go on where they were."""
    programs = servers.postgres_programs(postgres_server)
    if not all((programs / name).exists() for name in ("pg_dump", "pg_restore")):
        pytest.skip(f"no pg_dump and pg_restore in {programs}")
    urls = [postgres_url(), postgres_url()]
    source, target = (SqlStorage.open(url) for url in urls)
    source.upgrade()
    fill(source)
    report = compose(source).generator.generate(ACME, JANUARY)
    connections = [url.replace("postgresql+psycopg", "postgresql") for url in urls]
    dump = tmp_path / "billing.dump"
    for args in (
        ("pg_dump", "--format=custom", f"--file={dump}", connections[0]),
        (
            "pg_restore",
            "--exit-on-error",
            "--single-transaction",
            f"--dbname={connections[1]}",
            str(dump),
        ),
    ):
        subprocess.run([programs / args[0], *args[1:]], check=True, env=dict(os.environ))
    target.check()
    assert bills(target) == bills(source)
    assert compose(target).generator.generate(ACME, JANUARY).id > report.id
    source.close()
    target.close()
