"""Compression: answers come as gzip to those who take it, where it pays."""

import gzip

import pytest
from flask.testing import FlaskClient

from tests.integration.http.worlds import API, generate, settle

DETAIL = API + "reports/1/"
GZIP = {"Accept-Encoding": "gzip, deflate"}


@pytest.fixture
def world(client: FlaskClient) -> FlaskClient:
    """Put the small world with one report of many orders."""
    settle(client)
    rows = [
        {
            "customer_id": 1,
            "order_id": 20_000 + number,
            "order_date": "2023-01-05",
            "charges": [{"service_id": 1, "amount": "1.00"}],
        }
        for number in range(300)
    ]
    assert client.post(API + "orders/", json=rows).status_code == 200
    generate(client)
    return client


@pytest.mark.parametrize("path", [DETAIL, DETAIL + "download/?format=json", API + "orders/"])
def test_a_large_text_comes_as_gzip(world: FlaskClient, path: str) -> None:
    """Its bytes are the same, its length is exact, and caches are told."""
    plain = world.get(path)
    packed = world.get(path, headers=GZIP)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert packed.content_length == len(packed.data) < len(plain.data) / 2
    assert packed.data == world.get(path, headers=GZIP).data
    for answer in (plain, packed):
        assert "Accept-Encoding" in answer.headers["Vary"]
    assert "Content-Encoding" not in plain.headers


def test_each_coding_has_an_etag_and_both_are_known(world: FlaskClient) -> None:
    """Strong ETags stand for bytes; whoever has either coding has the report."""
    plain = world.get(DETAIL).headers["ETag"]
    packed = world.get(DETAIL, headers=GZIP).headers["ETag"]
    assert plain != packed
    for tag in (plain, packed):
        again = world.get(DETAIL, headers={"If-None-Match": tag, **GZIP})
        assert (again.status_code, again.headers["ETag"]) == (304, tag)


@pytest.mark.parametrize(
    ("path", "accepted"),
    [
        (DETAIL, "gzip;q=0"),
        (DETAIL, "gzip;q=0.1, identity"),
        (DETAIL, "br"),
        (DETAIL + "download/?format=pdf", "gzip"),
        (API + "reports/", "gzip"),
    ],
    ids=repr,
)
def test_other_answers_come_as_they_are(world: FlaskClient, path: str, accepted: str) -> None:
    """Where the client would rather not, or it would not pay."""
    answer = world.get(path, headers={"Accept-Encoding": accepted})
    assert answer.status_code == 200
    assert "Content-Encoding" not in answer.headers
