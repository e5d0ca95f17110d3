"""The throwaway servers answer; where there are none, nothing passes by itself."""

from collections.abc import Callable
from pathlib import Path

import limits.storage
import pytest
import sqlalchemy

from tests import servers


def test_postgresql_answers_and_hands_out_empty_databases(postgres_url: Callable[[], str]) -> None:
    """Two databases of one server know nothing of each other."""
    first, second = (sqlalchemy.create_engine(postgres_url()) for _ in range(2))
    with first.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE marks (mark text)"))
    with second.connect() as connection:
        assert sqlalchemy.inspect(connection).get_table_names() == []
        assert connection.scalar(sqlalchemy.text("SHOW server_encoding")) == "UTF8"
    first.dispose()
    second.dispose()


def test_valkey_answers_as_storage_of_rate_limits(valkey_url: str) -> None:
    """The limiter's own storage counts on it."""
    storage = limits.storage.storage_from_string(valkey_url)
    assert storage.check()
    assert [storage.incr("key", expiry=60) for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)]
)
def test_without_a_server_tests_are_skipped_and_fail_in_ci(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ci: str, outcome: type[BaseException]
) -> None:
    """A named folder without PostgreSQL is an answer, not a reason to take another one."""
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("PG_BINDIR", str(tmp_path))
    with pytest.raises(outcome, match="no PostgreSQL in"), servers.required(servers.postgres()):
        pass
