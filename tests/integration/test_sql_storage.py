"""SqlStorage is held to the shipped contract, on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from billing.adapters.sql.storage import SqlStorage
from billing.domain.ports import Storage
from billing.testing import StorageContract


class TestSqliteStorage(StorageContract):
    """The embedded database."""

    @pytest.fixture
    def storage(self, tmp_path: Path) -> Iterator[Storage]:
        """Return an empty, migrated storage in a file of its own."""
        storage = SqlStorage.open(f"sqlite:///{tmp_path / 'billing.db'}")
        storage.upgrade()
        yield storage
        storage.close()


class TestPostgresStorage(StorageContract):
    """The database of a larger installation."""

    @pytest.fixture
    def storage(self, postgres_url: Callable[[], str]) -> Iterator[Storage]:
        """Return an empty, migrated storage in a database of its own."""
        storage = SqlStorage.open(postgres_url())
        storage.upgrade()
        yield storage
        storage.close()
