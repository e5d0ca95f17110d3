"""Migrations: killed at any step they have not begun, and a newer database is left alone."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from billing.adapters.sql.migrate import head_revision
from billing.adapters.sql.storage import SqlStorage
from billing.adapters.sql.tables import metadata
from billing.domain.errors import StorageUnavailableError
from billing.testing.world import fill

UPGRADE_KILLED_AT_EVERY_STEP = """
import itertools, json, os, signal, sys
from sqlalchemy import create_engine, event, inspect
from sqlalchemy.pool import NullPool
from billing.adapters.sql.storage import SqlStorage

url = sys.argv[1]

def upgrade_killed_at(at):
    storage, steps = SqlStorage.open(url), itertools.count(1)

    def step(*_):
        if next(steps) == at:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(storage._engine, "before_cursor_execute", step)
    event.listen(storage._engine, "commit", step)
    storage.upgrade()
    storage.close()

for at in itertools.count(1):
    child = os.fork()
    if child == 0:
        upgrade_killed_at(at)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        print(json.dumps([status, sorted(inspect(connection).get_table_names())]))
    if status != signal.SIGKILL:
        break
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def new_url(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_url: Callable[[], str]
) -> Callable[[], str]:
    """Return a function that makes the URL of an empty database."""
    numbers = iter(range(1_000))
    if request.param == "postgresql":
        return postgres_url
    return lambda: f"sqlite:///{tmp_path}/{next(numbers)}.db"


def test_a_migration_killed_at_any_step_is_done_by_the_next_one(
    new_url: Callable[[], str],
) -> None:
    """It is one transaction: killed before any statement or the commit, it has not begun."""
    url = new_url()
    command = [sys.executable, "-c", UPGRADE_KILLED_AT_EVERY_STEP, url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    *killed, (status, tables) = map(json.loads, done.stdout.splitlines())
    assert len(killed) > len(tables)
    assert killed == [[signal.SIGKILL, []]] * len(killed)
    assert status == 0
    storage = SqlStorage.open(url)
    assert set(tables) == {*metadata.tables, "alembic_version"}
    storage.check()
    fill(storage)
    storage.close()


def test_a_database_of_a_newer_version_is_left_alone(new_url: Callable[[], str]) -> None:
    """Neither checked as good nor upgraded: what it holds would be misread."""
    storage = SqlStorage.open(new_url())
    storage.upgrade()
    with storage._engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for refused in (storage.check, storage.upgrade):
        with pytest.raises(StorageUnavailableError, match="9999, which this version"):
            refused()
    with storage._engine.begin() as connection:
        back = text("UPDATE alembic_version SET version_num = :head")
        connection.execute(back, {"head": head_revision()})
    storage.check()
    storage.close()


def test_a_database_of_a_newer_version_is_not_served(tmp_path: Path) -> None:
    """The process ends with 1 and one line before it listens."""
    url = f"sqlite:///{tmp_path}/billing.db"
    storage = SqlStorage.open(url)
    storage.upgrade()
    with storage._engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    storage.close()
    secret = "a-secret-of-thirty-two-bytes-0123"
    environment = {**os.environ, "BILLING_DATABASE_URL": url, "BILLING_JWT_SECRET": secret}
    start = "from billing.entrypoints.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", start, "serve", "--port", "0"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: The database is at revision 9999, which this version")
    assert done.stderr.count("\n") == 1
