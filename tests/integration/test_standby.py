"""A standby of PostgreSQL, which only reads, answers what reads."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from flask.testing import FlaskClient

from billing.adapters.sql.storage import SqlStorage
from billing.bootstrap import SystemClock, compose
from billing.entrypoints.cli.demo_world import load
from billing.entrypoints.http.app import create_app
from billing.entrypoints.tokens import SCOPES, issue
from billing.settings import Settings
from tests import servers

SETTINGS = Settings(jwt_secret="a secret of the tests that is long enough", rate_limit="9999/hour")


@pytest.fixture(scope="module")
def client() -> Iterator[FlaskClient]:
    """Call a service on a server that was filled, and then started as a standby."""
    with servers.required(servers.new_postgres()) as (folder, running):
        url = f"postgresql+psycopg://postgres@/postgres?host={folder}"
        with running(), closing(SqlStorage.open(url)) as storage:
            storage.upgrade()
            load(compose(storage))
        (folder / "data/standby.signal").touch()
        with running(), closing(SqlStorage.open(url)) as storage:
            client = create_app(SETTINGS, compose(storage)).test_client()
            token = issue(SETTINGS, "reader", SCOPES, None, 1, SystemClock().now())
            client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
            yield client


@pytest.mark.parametrize(
    "path",
    [
        "/readyz",
        "/api/v2/reports/",
        "/api/v2/reports/1/",
        "/api/v2/reports/1/explain/?order_id=10001",
        "/api/v2/reports/1/download/?format=csv",
        "/api/v2/reports/1/download/?format=pdf",
        "/api/v2/reports/customer-summary/",
        "/api/v2/runs/",
        "/api/v2/customers/123/rates/",
    ],
)
def test_what_reads_is_answered(client: FlaskClient, path: str) -> None:
    """So that downloads can be asked of a standby."""
    with client.get(path) as answer:
        assert answer.status_code == 200, answer.data


def test_what_writes_is_a_503(client: FlaskClient) -> None:
    """With the reason in no more than a sentence, and nothing changed."""
    before = client.get("/api/v2/reports/").data
    body = {"customer_id": 123, "start_date": "2023-01-01", "end_date": "2023-01-31"}
    answer = client.post("/api/v2/reports/generate/", json=body)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert client.post("/api/v2/runs/", json={"period": "2023-01"}).status_code == 503
    assert client.get("/api/v2/reports/").data == before
