"""Fixtures of the integration tests: real servers, one of each a run, and what runs on them."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Connection, Engine, event

from billing.adapters.sql.engine import make_engine
from billing.adapters.sql.storage import SqlStorage
from billing.bootstrap import Billing, compose
from billing.testing.world import fill
from tests import servers


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Path]:
    """Run PostgreSQL for the whole run; the folder of its socket."""
    with servers.required(servers.postgres()) as folder:
        yield folder


@pytest.fixture(scope="session")
def postgres_url(postgres_server: Path) -> Callable[[], str]:
    """Return a function that makes an empty database and returns its SQLAlchemy URL."""
    numbers = itertools.count(1)

    def new_database() -> str:
        name = f"billing_{next(numbers)}"
        with psycopg.connect(
            host=str(postgres_server), user="postgres", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return f"postgresql+psycopg://postgres@/{name}?host={postgres_server}"

    return new_database


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """Run Valkey for the whole run; its URL for `BILLING_RATE_LIMIT_STORAGE`."""
    with servers.required(servers.valkey()) as path:
        yield f"redis+unix://{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_url: Callable[[], str]
) -> Iterator[Engine]:
    """Return an engine of each database."""
    sqlite = request.param == "sqlite"
    made = make_engine(f"sqlite:///{tmp_path}/billing.db" if sqlite else postgres_url())
    yield made
    made.dispose()


@pytest.fixture
def app(engine: Engine) -> Billing:
    """Return an application with the small world in it."""
    storage = SqlStorage(engine)
    storage.upgrade()
    fill(storage)
    return compose(storage)


@pytest.fixture
def statements(engine: Engine) -> Iterator[list[str]]:
    """Note every statement that goes to the database; a call with many rows is one."""
    noted: list[str] = []

    def note(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        noted.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield noted
    event.remove(engine, "before_cursor_execute", note)
