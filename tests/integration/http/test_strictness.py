"""Strictness of every call: the URL map is walked, so that none that is added is left out."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from billing.adapters.memory import MemoryStorage
from billing.bootstrap import compose
from billing.entrypoints.http.app import create_app
from billing.entrypoints.http.blueprint import PUBLIC
from billing.entrypoints.http.body import JSON
from billing.settings import Settings
from tests.integration.http.conftest import SECRET
from tests.integration.http.worlds import settle

WRITING = {"POST", "PUT", "PATCH", "DELETE"}


def calls() -> list[tuple[str, str]]:
    """Return every method and path that takes a token, ids filled in."""
    app = create_app(Settings(jwt_secret=SECRET), compose(MemoryStorage()))
    return sorted(
        (method, path_of(app, rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if vars(app.view_functions[rule.endpoint])["required_scope"] != PUBLIC
    )


def path_of(app: Flask, rule: Rule) -> str:
    """Return a path that the rule matches."""
    values = {name: 1 if "id" in name else "name" for name in rule.arguments}
    with app.test_request_context():
        built = rule.build(values)
    assert built is not None
    return str(built[1])


def view_of(app: Flask, method: str, path: str) -> dict[str, object]:
    """Return what the view of a call declares."""
    endpoint, _ = app.url_map.bind("localhost").match(path, method)
    return vars(app.view_functions[endpoint])


EVERY_CALL = pytest.mark.parametrize(("method", "path"), calls(), ids=" ".join)
EVERY_WRITE = pytest.mark.parametrize(
    ("method", "path"), [call for call in calls() if call[0] in WRITING], ids=" ".join
)


def test_there_are_calls_to_walk() -> None:
    """The map is read as it is meant to be."""
    assert ("POST", "/api/v2/reports/generate/") in calls()
    assert ("GET", "/api/v2/customers/1/orders/1/") in calls()


@EVERY_CALL
def test_an_unknown_query_parameter_is_refused(client: FlaskClient, method: str, path: str) -> None:
    """400 with its name, on every call, whether the call takes others or none."""
    settle(client)
    body: dict[str, object] | None = {} if method in WRITING else None
    answer = client.open(f"{path}?nonsense=1", method=method, json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json is not None
    told = [answer.json["error"], *answer.json.get("details", {})]
    assert any("nonsense" in one for one in told), answer.text


@EVERY_CALL
def test_a_repeated_query_parameter_is_refused(client: FlaskClient, method: str, path: str) -> None:
    """One of two values would be taken and the other one be lost."""
    body: dict[str, object] | None = {} if method in WRITING else None
    answer = client.open(f"{path}?page=1&page=2", method=method, json=body)
    assert answer.status_code == 400, answer.text


@EVERY_WRITE
def test_every_call_that_writes_says_which_bodies_it_takes(
    app: Flask, client: FlaskClient, method: str, path: str
) -> None:
    """Another media type, or an encoded body, is 415."""
    assert view_of(app, method, path).get("media_types")
    for headers in ({"Content-Type": "text/plain"}, {"Content-Encoding": "gzip"}):
        answer = client.open(
            path, method=method, data=b"{}", headers={"Content-Type": JSON, **headers}
        )
        assert answer.status_code == 415, answer.text


@EVERY_WRITE
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"7", b'{"a": 1, "a": 2}', b'{"nonsense": 1}', b"\xff", b"[" * 50_000],
    ids=["none", "cut", "null", "number", "twice", "unknown", "no UTF-8", "deep"],
)
def test_a_body_that_is_not_what_it_should_be_is_refused(
    app: Flask, client: FlaskClient, method: str, path: str, body: bytes
) -> None:
    """400, whatever it is, and nothing else."""
    settle(client)
    if not body and view_of(app, method, path).get("body_optional"):
        return  # Then it is the empty object.
    answer = client.open(path, method=method, data=body, content_type=JSON)
    assert answer.status_code == 400, answer.text
    assert answer.json is not None
    assert answer.json.keys() <= {"error", "details"}
