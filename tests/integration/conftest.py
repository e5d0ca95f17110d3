"""Fixtures of the integration tests: a real PostgreSQL and a real Valkey, one of each a run."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

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
