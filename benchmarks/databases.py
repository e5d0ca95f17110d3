"""Databases to measure on: empty ones by the dozen, and the drivers' own connections to them."""

import contextlib
import shutil
import sqlite3
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psycopg

from billing import compose, open_storage
from billing.adapters.sql.storage import SqlStorage
from billing.bootstrap import Billing
from tests import servers

Kind = Literal["sqlite", "postgresql"]


@dataclass(frozen=True, slots=True)
class Database:
    """One database. kind: which sort. folder: of the files, or of the server's socket."""

    kind: Kind
    folder: Path
    name: str

    @property
    def url(self) -> str:
        """The URL that the product opens."""
        if self.kind == "sqlite":
            return f"sqlite:///{self.folder / self.name}.db"
        return f"postgresql+psycopg://postgres@/{self.name}?host={self.folder}"

    def connect(self) -> Any:
        """Return the driver's own connection, as durable as the product's."""
        if self.kind == "postgresql":
            return _postgres(self.folder, self.name)
        connection = sqlite3.connect(self.folder / f"{self.name}.db", isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        return connection

    @contextmanager
    def raw(self) -> Iterator[Any]:
        """Open a connection of the driver's for the floors, and close it."""
        with contextlib.closing(self.connect()) as connection:
            yield connection

    @contextmanager
    def product(self) -> Iterator[Billing]:
        """Open the product on it."""
        storage = open_storage(self.url)
        assert isinstance(storage, SqlStorage)
        with contextlib.closing(storage):
            yield compose(storage)

    def clone(self) -> "Database":
        """Copy it, in the database's own way; nobody may be connected to it."""
        copy = Database(self.kind, self.folder, f"bench_{uuid.uuid4().hex[:12]}")
        if self.kind == "sqlite":
            shutil.copy(self.folder / f"{self.name}.db", self.folder / f"{copy.name}.db")
        else:
            _administer(self.folder, f"CREATE DATABASE {copy.name} TEMPLATE {self.name}")
        return copy

    def drop(self) -> None:
        """Delete it."""
        if self.kind == "sqlite":
            for path in self.folder.glob(f"{self.name}.db*"):
                path.unlink()
        else:
            _administer(self.folder, f"DROP DATABASE {self.name} WITH (FORCE)")

    @contextmanager
    def lent(self) -> Iterator["Database"]:
        """Lend it, and delete it afterwards."""
        try:
            yield self
        finally:
            self.drop()


@contextmanager
def new_databases(folder: Path) -> Iterator[list[Database]]:
    """Lend a new database of each sort that this machine has."""
    with contextlib.ExitStack() as stack:
        found = [Database("sqlite", folder, "empty")]
        try:
            socket_folder = stack.enter_context(servers.postgres())
        except servers.NoServerError as error:
            print(f"Without PostgreSQL: {error}", file=sys.stderr)
        else:
            found.append(Database("postgresql", socket_folder, "empty"))
            _administer(socket_folder, "CREATE DATABASE empty")
        yield found


def _administer(folder: Path, statement: str) -> None:
    with contextlib.closing(_postgres(folder, "postgres", autocommit=True)) as server:
        server.execute(statement)


def _postgres(folder: Path, name: str, *, autocommit: bool = False) -> psycopg.Connection[Any]:
    return psycopg.connect(host=str(folder), user="postgres", dbname=name, autocommit=autocommit)
