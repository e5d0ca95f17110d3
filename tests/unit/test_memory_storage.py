"""MemoryStorage is held to the shipped contract."""

import pytest

from billing.adapters.memory import MemoryStorage
from billing.domain.ports import Storage
from billing.testing import StorageContract


class TestMemoryStorage(StorageContract):
    """The same suite runs on SQLite and PostgreSQL in tests/integration."""

    @pytest.fixture
    def storage(self) -> Storage:
        """Return an empty storage."""
        return MemoryStorage()
