"""Input: bodies and queries are read strictly, and never more of them than is allowed."""

import gzip
import io
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from billing.bootstrap import Billing
from billing.entrypoints.http.app import create_app
from billing.settings import Settings
from tests.integration.http.conftest import SECRET
from tests.integration.http.probe import probe

JSON = "/api/v2/probe/json/"
SCHEMA = "/api/v2/probe/schema/"
BULK = "/api/v2/probe/bulk/"
QUERY = "/api/v2/probe/query/"
MEGABYTE = 1_048_576


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Allow bodies of two megabytes."""
    return replace(settings, max_body_mb=2)


@pytest.fixture
def app(app: Flask) -> Flask:
    """Add the probe to the service."""
    app.register_blueprint(probe, url_prefix="/api/v2")
    return app


class CountedBody(io.BytesIO):
    """A body that knows how much of it was read."""

    def __init__(self, size: int) -> None:
        super().__init__(b"x" * size)

    def close(self) -> None:
        """Stay open, to be asked afterwards."""


def served(body: io.BytesIO, declared: int | None = None) -> dict[str, Any]:
    """Return what the server makes of a body; without a declared length it came in chunks."""
    environ = {"wsgi.input": body, "wsgi.input_terminated": True}
    environ["CONTENT_LENGTH"] = "" if declared is None else str(declared)
    return {"environ_overrides": environ}


@pytest.mark.parametrize(
    "media_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json", ""],
)
def test_json_must_be_declared(client: FlaskClient, media_type: str) -> None:
    """415 names what was sent and what would do."""
    for path in (JSON, SCHEMA):
        response = client.post(path, data=b"{}", content_type=media_type)
        assert response.status_code == 415
        assert response.json == {
            "detail": f'Unsupported media type "{media_type}": use application/json.'
        }


def test_no_media_type_is_none_of_ours(client: FlaskClient) -> None:
    """A body that does not say what it is, is not guessed at."""
    assert client.post(JSON, data=b"{}").status_code == 415
    assert client.post(BULK, data=b"[]").status_code == 415


def test_parameters_of_a_media_type_do_not_matter(client: FlaskClient) -> None:
    """`application/json; charset=utf-8` is JSON."""
    content_type = "Application/JSON; charset=utf-8"
    assert client.post(JSON, data=b'{"a": 1}', content_type=content_type).json == {"a": "1"}


def test_encoded_bodies_are_refused(client: FlaskClient) -> None:
    """Nothing is decompressed, so nothing can grow."""
    for path, content_type in ((JSON, "application/json"), (BULK, "text/csv")):
        response = client.post(
            path,
            data=gzip.compress(b"{}"),
            content_type=content_type,
            headers={"Content-Encoding": "gzip"},
        )
        assert response.status_code == 415


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"a": 1} x',
        b"\xff",
        b'\xef\xbb\xbf{"a": 1}',
        '{"a": 1}'.encode("utf-16"),
        b'{"a": 1, "a": 2}',
        b"[" * 100_000,
    ],
    ids=lambda body: repr(body[:12]),
)
def test_what_is_no_json_is_refused(client: FlaskClient, body: bytes) -> None:
    """400 with one sentence, whatever it is instead."""
    response = client.post(JSON, data=body, content_type="application/json")
    assert response.status_code == 400
    assert response.json is not None
    assert response.json.keys() == {"error"}


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"x"', b"true"])
def test_a_body_that_is_no_object_is_refused(client: FlaskClient, body: bytes) -> None:
    """Where members are expected."""
    for path in (JSON, SCHEMA):
        response = client.post(path, data=body, content_type="application/json")
        assert response.status_code == 400
        assert response.json == {"error": "The body is not a JSON object."}


def test_decimals_arrive_exactly(client: FlaskClient) -> None:
    """No binary float stands between the text and the value."""
    body = b'{"a": 12345678901234567.89, "b": 0.10, "c": 1e2}'
    response = client.post(JSON, data=body, content_type="application/json")
    assert response.json == {"a": "12345678901234567.89", "b": "0.10", "c": "1E+2"}


def test_a_declared_length_over_the_limit_is_refused_unread(client: FlaskClient) -> None:
    """413 before a byte is read, whatever the route."""
    body = CountedBody(1)
    for path in (BULK, JSON, "/healthz", "/nope"):
        sent = served(body, declared=2 * MEGABYTE + 1)
        response = client.post(path, content_type="text/csv", **sent)
        assert response.status_code == 413
        assert response.json == {"detail": "The request body is too large: at most 2 MB."}
    assert body.tell() == 0


def test_a_body_of_unknown_length_is_cut_at_the_limit(client: FlaskClient) -> None:
    """413 as soon as it is too long; the rest stays unread."""
    body = CountedBody(8 * MEGABYTE)
    response = client.post(BULK, content_type="text/csv", **served(body))
    assert response.status_code == 413
    assert response.json == {"detail": "The request body is too large: at most 2 MB."}
    assert body.tell() <= 2 * MEGABYTE + 65_536


@pytest.mark.parametrize("size", [0, 1, 2 * MEGABYTE])
def test_a_body_up_to_the_limit_is_taken(client: FlaskClient, size: int) -> None:
    """The limit itself is allowed, declared or not."""
    body = b"x" * size
    expected = {"media_type": "text/csv", "bytes": size}
    assert client.post(BULK, data=body, content_type="text/csv").json == expected
    response = client.post(BULK, content_type="text/csv", **served(io.BytesIO(body)))
    assert response.json == expected


def test_json_that_is_read_whole_has_a_limit_of_its_own(
    client: FlaskClient, billing: Billing
) -> None:
    """Eight megabytes hold a large rate card; the setting's limit may be lower."""
    settings = Settings(jwt_secret=SECRET, database_url="memory://", max_body_mb=64)
    roomy = create_app(settings, billing)
    roomy.register_blueprint(probe, url_prefix="/api/v2")
    for app, megabytes in ((roomy, 8), (client.application, 2)):
        fits = b'{"a": "' + b"x" * (megabytes * MEGABYTE - 9) + b'"}'
        assert len(fits) == megabytes * MEGABYTE
        for body, status in ((fits, 200), (fits + b" ", 413)):
            response = app.test_client().post(
                JSON,
                data=body,
                content_type="application/json",
                headers={"Authorization": client.environ_base["HTTP_AUTHORIZATION"]},
            )
            assert response.status_code == status
        sentence = f"The request body is too large: at most {megabytes} MB."
        assert response.json == {"detail": sentence}


def test_a_body_shorter_than_declared_is_refused(client: FlaskClient) -> None:
    """Half of an upload must not pass for the whole."""
    sent = served(io.BytesIO(b"hel"), declared=10)
    response = client.post(BULK, content_type="text/csv", **sent)
    assert response.status_code == 400
    assert response.json is not None
    assert response.json.keys() == {"error"}


def test_a_query_is_read_strictly(client: FlaskClient) -> None:
    """A mistyped or repeated filter must not list everything."""
    good = client.get(QUERY, query_string={"customer_id": "7", "day": "2023-01-31"})
    assert good.json == {"customer_id": "7", "day": "2023-01-31"}
    for query, sentence in (
        ("customer=7", "customer: Unknown field."),
        ("customer_id=7&customer_id=7", "customer_id: Given more than once."),
        ("customer_id", "customer_id: Not a valid id"),
        ("customer_id=07", "customer_id: Not a valid id"),
        ("customer_id=%D9%A1", "customer_id: Not a valid id"),
        ("day=20230131", "day: Not a valid date"),
        ("%00=1", "?: Unknown field."),
        ("%ff=1", "%FF: Unknown field."),
    ):
        response = client.get(f"{QUERY}?{query}")
        assert response.status_code == 400
        assert response.json is not None
        assert response.json["error"].startswith(sentence)
        assert response.json.keys() == {"error"}


def test_a_view_without_a_query_takes_none(client: FlaskClient) -> None:
    """Unknown is unknown, also where nothing is known."""
    response = client.get("/api/v2/probe/id/7/", query_string={"expand": "all"})
    assert (response.status_code, response.json) == (400, {"error": "expand: Unknown field."})


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"customer_id": "7", "day": "2023-01-31"}, ["customer_id"]),
        ({"customer_id": True, "day": "2023-01-31"}, ["customer_id"]),
        ({"day": "x", "customer_id": 1.9}, ["customer_id", "day"]),
        ({"customer_id": 7}, ["day"]),
        ({"customer_id": 7, "day": None}, ["day"]),
        ({"name": 5, "day": 5, "zzz": 5, "customer_id": 5}, ["zzz", "day", "name"]),
        ({"customer_id": 7, "day": "2023-01-31", "name": "\ud800"}, ["name"]),
        ({}, ["customer_id", "day"]),
    ],
    ids=repr,
)
def test_wrong_fields_are_named_unknown_ones_first(
    client: FlaskClient, body: dict[str, Any], fields: list[str]
) -> None:
    """Then in the schema's order; `details` only where there are several."""
    response = client.post(SCHEMA, json=body)
    assert response.status_code == 400
    assert response.json is not None
    assert response.json["error"].split(": ")[0] == fields[0]
    assert list(response.json.get("details", {fields[0]: []})) == fields
    assert ("details" in response.json) == (len(fields) > 1)
