"""Threats C: what a client may send to any operation, and the one kind of answer it gets.

Each test goes over all operations, so that a new one is held to the same.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from billing.entrypoints.http.app import create_app
from billing.settings import Settings
from tests.integration.http.operations import OPERATIONS, OTHER, OWN, everything_of, settle_two
from tests.integration.http.worlds import API, NOT_FOUND

HUGE = 10**9
EVERY_OPERATION = pytest.mark.parametrize("name", OPERATIONS)
WITH_BODY = pytest.mark.parametrize("name", [name for name, row in OPERATIONS.items() if row.body])
WITH_ID = pytest.mark.parametrize(
    "name", [name for name, row in OPERATIONS.items() if "/{n}/" in row.path]
)
DEEP = 100_000
BAD_IDS = (
    "0 -1 +1 1.5 1.0 0001 1e0 0x1 1_0 abc None ٣ 1% %00 1%00 1%0a %201 9223372036854775808 "
    "99999999999999999999 1;2 1,2 ..%2f1 %2e%2e * ' \" {n}"
).split()
NO_JSON: dict[str, bytes] = {
    "empty": b"",
    "blank": b" \n",
    "cut": b'{"customer_id": 1',
    "trailing": b'{"customer_id": 1} x',
    "two": b"{}{}",
    "single quotes": b"{'a': 1}",
    "comment": b'{"a": 1} // b',
    "utf-16": '{"a": 1}'.encode("utf-16"),
    "latin-1": b'{"a": "\xe9"}',
    "overlong": b'{"a": "\xc0\xaf"}',
    "bom": b'\xef\xbb\xbf{"a": 1}',
    "nul": b'{"a": 1}\x00',
    "NaN": b'{"a": NaN}',
    "Infinity": b'[-Infinity, {"a": Infinity}]',
    "digits": b'{"a": ' + b"9" * 5_001 + b"}",
    "exponent": b'{"a": 1e400}',
    "exponents": b'{"a": 1e-99999999999999999999}',
    "open": b"[" * DEEP,
    "deep": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "33 levels": b'{"a":' * 33 + b"1" + b"}" * 33,
    "twice": b'{"customer_id": 1, "customer_id": 2}',
    "twice inside": b'[{"name": "a", "name": "b"}]',
    "no object": b'"x"',
    "null": b"null",
    "number": b"7",
}
BAD_TEXTS: dict[str, str] = {
    "nul": "a\0b",
    "line": "a\r\nSet-Cookie: b",
    "escape": "\x1b[31m",
    "c1": "a\x85b",
    "surrogate": "a\ud800",
    "bidi": "a\u202eb",
    "isolate": "\u2066a",
    "long": "x" * 10_001,
}


@pytest.fixture
def world(client: FlaskClient) -> FlaskClient:
    """Put the world of two customers; call as somebody who may do everything."""
    settle_two(client)
    return client


@pytest.fixture
def unchanged(world: FlaskClient) -> Iterator[None]:
    """Hold a test to having changed nothing."""
    before = [everything_of(world, customer) for customer in (OWN, OTHER)]
    yield
    assert [everything_of(world, customer) for customer in (OWN, OTHER)] == before


def assert_refused(response: TestResponse, *statuses: int) -> None:
    """Expect a refusal in its envelope: JSON, one sentence, at most `details` beside it."""
    assert response.status_code in statuses, (response.status_code, response.text[:300])
    assert response.content_type == "application/json"
    body = response.json
    assert isinstance(body, dict)
    word = "error" if response.status_code in {400, 409, 422} else "detail"
    assert body.keys() - {"details"} == {word}
    assert isinstance(body[word], str)
    assert 0 < len(body[word]) < 1_000
    assert "Traceback" not in response.text
    assert "<html" not in response.text.lower()


@WITH_ID
@pytest.mark.usefixtures("unchanged")
def test_what_is_no_id_is_not_found(world: FlaskClient, name: str) -> None:
    """C1: as if there were no such path."""
    operation = OPERATIONS[name]
    body = operation.body and operation.body(OWN)
    for bad in [*BAD_IDS, "9" * 5_000]:
        options = {} if body is None else {"json": body}
        response = world.open(operation.path_for(bad), method=operation.method, **options)
        assert (response.status_code, response.text) == (404, NOT_FOUND), bad


@EVERY_OPERATION
@pytest.mark.usefixtures("unchanged")
def test_an_unknown_parameter_is_refused(world: FlaskClient, name: str) -> None:
    """C7: a mistyped filter must not list everything, nor change anything."""
    operation = OPERATIONS[name]
    path = operation.path_for()
    joint = "&" if "?" in path else "?"
    body = operation.body and operation.body(OWN)
    for query in ("custmer_id=1", "__class__=x", "=", "%00=1", "customer_id[]=1", "x" * 5_000):
        options = {} if body is None else {"json": body}
        response = world.open(f"{path}{joint}{query}", method=operation.method, **options)
        assert_refused(response, 400)


@EVERY_OPERATION
@pytest.mark.usefixtures("unchanged")
def test_a_parameter_given_twice_is_refused(world: FlaskClient, name: str) -> None:
    """C7: whichever of its values would win, somebody would be wrong."""
    operation = OPERATIONS[name]
    path, _, query = operation.path_for().partition("?")
    body = operation.body and operation.body(OWN)
    options = {} if body is None else {"json": body}
    for given in filter(None, (query, "page=1", "format=csv", "customer_id=1")):
        response = world.open(f"{path}?{given}&{given}", method=operation.method, **options)
        assert_refused(response, 400)


@WITH_BODY
@pytest.mark.usefixtures("unchanged")
def test_another_media_type_is_unsupported(world: FlaskClient, name: str) -> None:
    """C8: also none at all, and any encoding, which could be a bomb."""
    operation = OPERATIONS[name]
    assert operation.body is not None
    body = json.dumps(operation.body(OWN)).encode()
    for media_type in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/jsonx",
        "a/b" * 3_000,
        "",
        "\xff",
    ):
        response = operation.call(world, data=body, content_type=media_type)
        assert_refused(response, 415)
    assert_refused(operation.call(world, data=body), 415)
    for encoding in ("gzip", "deflate", "br", "identity, gzip"):
        encoded = {"Content-Encoding": encoding, "Content-Type": "application/json"}
        assert_refused(operation.call(world, data=body, headers=encoded), 415)


@WITH_BODY
@pytest.mark.usefixtures("unchanged")
def test_what_is_no_plain_json_is_refused(world: FlaskClient, name: str) -> None:
    """C9, C10: before any of it means anything."""
    for kind, body in NO_JSON.items():
        if kind != "empty" or not OPERATIONS[name].bodiless:
            response = OPERATIONS[name].call(world, data=body, content_type="application/json")
            assert_refused(response, 400)


def leaves(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield every text and number of a JSON value with its place."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*place, key))
    elif isinstance(value, list):
        for key, inner in enumerate(value):
            yield from leaves(inner, (*place, key))
    else:
        yield place, value


def put_at(value: Any, place: tuple[Any, ...], new: object) -> Any:
    """Return a copy of a JSON value with another one in its place."""
    if not place:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = put_at(value[place[0]], place[1:], new)
    return copy


def every_replacement(
    name: str, kind: type, values: Callable[[Any], list[object]]
) -> Iterator[Any]:
    """Yield the operation's body with one leaf of a kind replaced, for every leaf and value."""
    operation = OPERATIONS[name]
    assert operation.body is not None
    body = operation.body(OWN)
    for place, leaf in leaves(body):
        if type(leaf) is kind:
            for value in values(leaf):
                yield put_at(body, place, value)


@WITH_BODY
@pytest.mark.usefixtures("unchanged")
def test_no_text_takes_what_no_text_should_hold(world: FlaskClient, name: str) -> None:
    """C12, C13: controls, lone surrogates, hidden direction changes, and endless ones."""
    for body in every_replacement(name, str, lambda _: list(BAD_TEXTS.values())):
        response = OPERATIONS[name].call(world, json=body)
        assert_refused(response, 400)
        assert "\u202e" not in response.text


@WITH_BODY
@pytest.mark.usefixtures("unchanged")
def test_no_text_takes_another_type(world: FlaskClient, name: str) -> None:
    """C2, C3, C14: nothing is made a text, a date or an amount that is none."""

    def others(leaf: str) -> list[object]:
        found: list[object] = [[leaf], {"a": leaf}, True, [None]]
        return found

    for body in every_replacement(name, str, others):
        assert_refused(OPERATIONS[name].call(world, json=body), 400)


@WITH_BODY
@pytest.mark.usefixtures("unchanged")
def test_no_number_takes_what_is_like_one(world: FlaskClient, name: str) -> None:
    """C2, C14: neither rounded, nor read from a text with more in it than a number."""
    bad: list[object] = [True, "", "x", "1 0", "1_0", "٣", [], {}, -(2**63), 2**63, HUGE**9, "NaN"]
    for body in every_replacement(name, int, lambda _: bad):
        assert_refused(OPERATIONS[name].call(world, json=body), 400)


@WITH_BODY
@pytest.mark.usefixtures("unchanged")
def test_an_unknown_member_is_refused(world: FlaskClient, name: str) -> None:
    """C7: at the top of every object that is sent."""
    operation = OPERATIONS[name]
    assert operation.body is not None
    body = operation.body(OWN)
    for member in ("custmer_id", "__proto__", "", "a" * 5_000, "\u202e", "id "):
        longer = [{**body[0], member: 1}] if isinstance(body, list) else {**body, member: 1}
        assert_refused(operation.call(world, json=longer), 400)


@EVERY_OPERATION
def test_another_method_is_told_the_right_ones(world: FlaskClient, name: str) -> None:
    """C23: as JSON, with `Allow`; HEAD is GET without its body."""
    path = OPERATIONS[name].path_for()
    allowed = world.open(path, method="TRACE").headers["Allow"].split(", ")
    for method in ("TRACE", "PATCH", "DELETE", "OPTIONS", "CONNECT", "PROPFIND", "GET", "POST"):
        if method not in allowed:
            response = world.open(path, method=method)
            assert_refused(response, 405)
            assert set(response.headers["Allow"].split(", ")) == set(allowed)


@EVERY_OPERATION
@pytest.mark.parametrize("method", ["own", "TRACE"])
def test_every_answer_is_safe_to_show(world: FlaskClient, name: str, method: str) -> None:
    """C19: its type is not guessed, it is in nobody else's cache, in no frame, and says no path."""
    operation = OPERATIONS[name]
    response = (
        operation.call(world)
        if method == "own"
        else world.open(operation.path_for(), method=method)
    )
    headers = response.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert {"no-store", "no-cache", "private"} & set(headers["Cache-Control"].split(", "))
    assert "public" not in headers["Cache-Control"]
    assert "Access-Control-Allow-Origin" not in headers
    assert "Set-Cookie" not in headers
    assert "X-Request-ID" in headers


@EVERY_OPERATION
def test_nothing_is_made_of_what_a_client_may_invent(world: FlaskClient, name: str) -> None:
    """C24: neither of its host nor of its forwarding headers, nor of a cookie or a method."""
    forged = {
        "Host": "evil.example",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Prefix": "/evil.example",
        "X-Original-URL": "/api/v2/services/",
        "X-HTTP-Method-Override": "DELETE",
        "Cookie": "session=evil.example",
        "Origin": "https://evil.example",
    }
    response = OPERATIONS[name].call(world, headers=forged)
    assert response.status_code == OPERATIONS[name].own
    assert "evil" not in str(response.headers)
    assert "evil" not in response.text


@WITH_BODY
def test_a_body_too_large_is_refused_before_anything_else(app: Flask, name: str) -> None:
    """C11: unread, before the token is looked at."""
    operation = OPERATIONS[name]
    response = app.test_client().open(
        operation.path_for(),
        method=operation.method,
        environ_overrides={"CONTENT_LENGTH": str(HUGE), "CONTENT_TYPE": "application/json"},
    )
    assert_refused(response, 413)


def test_a_text_in_a_refusal_is_cut_short(world: FlaskClient) -> None:
    """C21: what is repeated of the input is short, printable and inside JSON."""
    for path in (
        "reports/?order_by=" + "x" * 10_000,
        "reports/1/download/?format=" + "<script>" * 1_000,
        "reports/?" + "y" * 10_000 + "=1",
        "customers/1/rates/?on=" + "2023-01-01" * 100,
    ):
        response = world.get(API + path)
        assert_refused(response, 400)
        assert len(response.data) < 400


def test_the_limit_counts_before_the_token_is_judged(settings: Settings, app: Flask) -> None:
    """A8: a thousand forged tokens with a victim's name are throttled by address."""
    client = create_app(
        replace(settings, rate_limit="100 per minute"), app.extensions["billing"][1]
    ).test_client()
    forged = {"Authorization": "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.AAAA"}
    answers = [client.get(API + "reports/", headers=forged).status_code for _ in range(1_000)]
    assert answers == [401] * 100 + [429] * 900
