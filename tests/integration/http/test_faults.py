"""Faults around the service: what clients are told while a part of it is away, and afterwards."""

import errno
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from billing.adapters.sql.storage import SqlStorage
from billing.bootstrap import Billing, compose
from billing.domain import retries
from billing.domain.errors import OutcomeUnknownError, StorageBusyError
from billing.domain.ports import Storage
from billing.entrypoints.http.app import create_app
from billing.entrypoints.tokens import SCOPES, issue
from billing.settings import Settings
from tests import servers
from tests.integration.http.conftest import NOW, SetClock
from tests.integration.http.worlds import API, CARD, JANUARY, ORDERS, generate, settle

SENTENCE = {"error": "The storage is unavailable; nothing was changed"}


def client_over(storage: Storage, settings: Settings) -> FlaskClient:
    """Return a client that may do everything, of a service over a storage."""
    client = create_app(settings, compose(storage, clock=SetClock(NOW))).test_client()
    token = issue(settings, "alice", SCOPES, None, 1, NOW)
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


def every_kind_of_call(client: FlaskClient) -> Iterator[TestResponse]:
    """Read, write, generate and ingest."""
    yield client.get(API + "reports/")
    yield client.get(API + "customers/1/")
    yield client.put(API + "customers/1/", json={"name": "Acme"})
    yield client.put(API + "services/1/", json={"name": "Picking"})
    yield client.put(API + "customers/1/rates/", json=CARD)
    yield client.post(API + "orders/", json=ORDERS)
    yield client.post(API + "reports/preview/", json={"customer_id": 1, **JANUARY})
    yield generate(client)


def test_a_database_that_goes_away_is_a_503_until_it_is_back(settings: Settings) -> None:
    """Each call says when to come back; readiness says no, health yes; then all goes on."""
    with servers.required(servers.new_postgres()) as (folder, running):
        storage = SqlStorage.open(f"postgresql+psycopg://postgres@/postgres?host={folder}")
        client = client_over(storage, settings)
        with running():
            storage.upgrade()
            settle(client)
            assert client.get("/readyz").status_code == 200
        for response in (*every_kind_of_call(client), client.get("/readyz")):
            assert (response.status_code, response.json) == (503, SENTENCE)
            assert response.headers["Retry-After"] == "5"
        assert client.get("/healthz").status_code == 200
        with running():
            answers = [response.status_code for response in every_kind_of_call(client)]
            assert answers == [200, 200, 200, 200, 200, 200, 200, 201]
            storage.close()


def test_hindered_writes_are_done_again_before_anybody_is_told(
    client: FlaskClient, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each kind of write ends as if nothing had been; the third time in a row is a 503."""
    settle(client)
    monkeypatch.setattr(retries, "PAUSES_MS", (0, 0))
    transaction, hindered = storage.transaction, 0

    def hindering(access: object) -> object:
        nonlocal hindered
        if hindered:
            hindered -= 1
            raise StorageBusyError
        return transaction(access)  # type: ignore[arg-type]

    monkeypatch.setattr(storage, "transaction", hindering)
    calls: list[Callable[[], TestResponse]] = [
        lambda: client.put(API + "customers/1/", json={"name": "Acme & Co"}),
        lambda: client.put(API + "services/1/", json={"name": "Picks"}),
        lambda: client.put(API + "customers/1/rates/", json={**CARD, "rates": []}),
        lambda: client.post(API + "orders/", json=[*ORDERS, {"customer_id": 1, "order_id": 9}]),
        lambda: generate(client),
    ]
    for call in calls:
        hindered = 3
        refused = call()
        assert refused.status_code == 503
        assert refused.json == {
            "error": "The storage is busy with other writers; nothing was changed"
        }
        assert refused.headers["Retry-After"] == "5"
        hindered = 2
        assert call().status_code in {200, 201}
    reports = client.get(API + "reports/").json
    assert reports is not None
    assert len(reports) == 1
    orders = client.get(API + "orders/").json
    assert orders is not None
    assert len(orders) == len(ORDERS) + 1


def test_an_unknown_outcome_is_not_tried_again(
    client: FlaskClient, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer does not claim that nothing was changed."""
    settle(client)

    def lost(_: object) -> NoReturn:
        raise OutcomeUnknownError

    monkeypatch.setattr(storage, "transaction", lost)
    refused = generate(client)
    assert refused.status_code == 503
    assert refused.json is not None
    assert "nothing was changed" not in refused.json["error"]


def test_no_room_for_temporary_files_is_a_503(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Of an ingest nothing is stored; the log names the request."""
    settle(client)

    def full(*_: object, **__: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device", "a-secret-name")

    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "TemporaryFile", full)
        row = {"customer_id": 1, "order_id": 77, "notes": "x" * 9_000}
        rows = [{**row, "order_id": number} for number in range(77, 377)]
        refused = client.post(API + "orders/", json=rows)
    assert refused.status_code == 503
    assert refused.json == {"error": "There is no room for temporary files now"}
    assert refused.headers["Retry-After"] == "5"
    assert refused.headers["X-Request-ID"] in caplog.text
    assert client.get(API + "customers/1/orders/77/").status_code == 404
    assert client.post(API + "orders/", json=rows).status_code == 200


def test_readiness_tells_that_the_limit_is_counted_by_each_process(
    billing: Billing, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """So does the log; the service goes on, and still limits."""
    with servers.required(servers.valkey()) as path:
        shared = replace(
            settings, rate_limit="2 per minute", rate_limit_storage=f"redis+unix://{path}"
        )
        client = create_app(shared, billing).test_client()
        assert client.get(API + "reports/").status_code == 401
        assert client.get("/readyz").json == {"status": "ok"}
    calls = [client.get(API + "reports/").status_code for _ in range(3)]
    assert calls == [401, 401, 429]
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json == {
        "status": "ok",
        "warnings": ["The rate limit's storage is away: each process counts for itself"],
    }
    assert "Rate limit storage unreachable" in caplog.text


def test_readiness_tells_what_may_be_lost(
    postgres_url: Callable[[], str], settings: Settings
) -> None:
    """The tests' own PostgreSQL is fast because it does not wait for the disk."""
    storage = SqlStorage.open(postgres_url())
    storage.upgrade()
    ready = client_over(storage, settings).get("/readyz")
    assert ready.status_code == 200
    assert ready.json is not None
    assert ready.json["warnings"][0].startswith("PostgreSQL runs with fsync=off")
    storage.close()


def test_a_database_of_a_newer_version_is_not_ready(tmp_path: Path, settings: Settings) -> None:
    """A process of the old version that still runs is sent no traffic."""
    storage = SqlStorage.open(f"sqlite:///{tmp_path}/billing.db")
    storage.upgrade()
    client = client_over(storage, settings)
    with storage._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json is not None
    assert "a newer version upgraded it" in ready.json["error"]
    storage.close()
