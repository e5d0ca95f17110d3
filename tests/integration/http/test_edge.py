"""The edge: ids, safety headers and the log of every request, and the last resort."""

import json
import logging
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import Client

from billing.bootstrap import Billing
from billing.entrypoints.http.app import create_app
from billing.entrypoints.http.edge import IN_ONE_PIECE, Edge
from billing.entrypoints.http.logs import JsonLines
from billing.settings import Settings
from tests.integration.http.probe import probe

PATH = "/api/v2/probe/caller/"


@pytest.fixture
def app(app: Flask) -> Flask:
    """Add the probe to the service."""
    app.register_blueprint(probe, url_prefix="/api/v2")
    return app


def test_a_request_keeps_the_id_it_came_with(anonymous: FlaskClient) -> None:
    """Calls can be followed through several services."""
    for given in ("7", "a.B_c-9", "x" * 128):
        response = anonymous.get("/healthz", headers={"X-Request-ID": given})
        assert response.headers.getlist("X-Request-ID") == [given]


@pytest.mark.parametrize("given", [None, "", "x" * 129, "a b", "a\tb", "<b>", "é", 'a"b', "a,b"])
def test_a_strange_id_is_replaced(anonymous: FlaskClient, given: str | None) -> None:
    """What comes back in a header and in the log is harmless, and never the same twice."""
    headers = {} if given is None else {"X-Request-ID": given}
    ids = {anonymous.get("/healthz", headers=headers).headers["X-Request-ID"] for _ in range(2)}
    assert len(ids) == 2
    assert given not in ids


@pytest.mark.parametrize("path", [PATH, "/nope", "/healthz", "/api/v2/openapi.json"])
def test_every_answer_carries_the_safety_headers(anonymous: FlaskClient, path: str) -> None:
    """Errors, health and documents included; HSTS only where TLS is."""
    headers = anonymous.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "X-Request-ID" in headers
    assert headers["Cache-Control"] in {"no-store", "no-cache"}
    assert "Strict-Transport-Security" not in headers
    secure = anonymous.get(path, base_url="https://billing.example").headers
    assert "Strict-Transport-Security" in secure


def test_nothing_of_the_api_is_kept_by_caches(client: FlaskClient) -> None:
    """Bills are private."""
    assert client.get(PATH).headers["Cache-Control"] == "no-store"


def test_the_host_header_changes_no_answer(client: FlaskClient) -> None:
    """Nothing is made of what a client may invent."""
    forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    plain, answer = (
        client.get("/api/v2/openapi.json"),
        client.get("/api/v2/openapi.json", headers=forged),
    )
    assert answer.data == plain.data
    assert "evil" not in str(answer.headers)


def test_a_trusted_proxy_tells_that_tls_was_used(billing: Billing, settings: Settings) -> None:
    """Only then does its word count."""
    for proxies in (0, 1):
        app = create_app(replace(settings, trusted_proxies=proxies), billing)
        response = app.test_client().get("/healthz", headers={"X-Forwarded-Proto": "https"})
        assert ("Strict-Transport-Security" in response.headers) == (proxies == 1)


def test_each_request_is_logged_once(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    """By route, not by path, with whom it was and how it ended; never with the token."""
    with caplog.at_level(logging.INFO, "billing.access"):
        client.get("/api/v2/probe/id/7/", headers={"X-Request-ID": "abc"})
    (record,) = [record for record in caplog.records if record.name == "billing.access"]
    line = json.loads(JsonLines().format(record))
    assert line.pop("ms") >= 0
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "INFO",
        "logger": "billing.access",
        "message": "request",
        "request_id": "abc",
        "method": "GET",
        "route": "/api/v2/probe/id/<id:number>/",
        "status": 200,
        "bytes": 8,
        "subject": "alice",
        "address": "127.0.0.1",
    }
    token = client.environ_base["HTTP_AUTHORIZATION"].split()[1]
    assert token not in JsonLines().format(record)


def test_nobody_writes_lines_into_the_log(
    anonymous: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Line ends and other controls in a path or a message stay inside one line of ASCII."""
    with caplog.at_level(logging.INFO, "billing.access"):
        anonymous.get("/a%0d%0a%7B%22level%22:%22INFO%22%7D%e2%80%a8" + "x" * 1_000)
    (record,) = [record for record in caplog.records if record.name == "billing.access"]
    line = JsonLines().format(record)
    assert line.isascii()
    assert line.isprintable()
    assert len(line) < 500


def test_every_line_of_a_request_has_its_id(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever writes it: here a refusal that knows nothing of requests."""
    lines: list[dict[str, object]] = []
    monkeypatch.setattr(
        caplog.handler, "emit", lambda record: lines.append(json.loads(JsonLines().format(record)))
    )
    client.get("/api/v2/probe/refuse/away/", headers={"X-Request-ID": "abc"})
    away = [line for line in lines if line["logger"] == "billing.entrypoints.http.errors"]
    assert [(line["message"], line["request_id"]) for line in away] == [
        ("Storage unavailable", "abc")
    ]


def test_a_failure_is_logged_with_its_trace() -> None:
    """In the same line, as one member."""
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "%s", ("a\r\nb",), sys.exc_info())
    line = JsonLines().format(record)
    assert "\n" not in line
    assert json.loads(line)["message"] == "a\r\nb"
    assert "ValueError: first\nsecond" in json.loads(line)["exception"]


class Body:
    """A body in parts, that knows whether it was closed."""

    def __init__(self, parts: Iterable[bytes], *, fails: bool = False) -> None:
        self._parts = parts
        self._fails = fails
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        """Give the parts, and fail after them if told to."""
        yield from self._parts
        if self._fails:
            raise RuntimeError("SELECT 1")

    def close(self) -> None:
        """Count."""
        self.closed += 1


def served(body: Body, length: int | None) -> Edge:
    """Return the edge around an application that answers a body."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        del environ
        headers = [] if length is None else [("Content-Length", str(length))]
        start_response("200 OK", headers)
        return body

    return Edge(application)


def test_an_application_that_fails_still_answers(caplog: pytest.LogCaptureFixture) -> None:
    """The last resort is JSON too, with an id and the safety headers."""

    def application(*_: Any) -> Iterable[bytes]:
        raise RuntimeError("SELECT 1")

    response = Client(Edge(application)).get("/")
    assert (response.status_code, response.json) == (500, {"error": "An internal error occurred."})
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Request-ID"] in caplog.text


def test_a_body_that_fails_is_a_failure() -> None:
    """Nothing of it was sent, so the answer can still say so."""
    body = Body([b"ab"], fails=True)
    response = Client(served(body, 4)).get("/")
    assert (response.status_code, response.json) == (500, {"error": "An internal error occurred."})
    assert body.closed == 1


@pytest.mark.parametrize("size", [0, 3, IN_ONE_PIECE])
def test_small_bodies_are_handed_over_whole(size: int) -> None:
    """The server buffers one piece; what made it is given back at once."""
    body = Body([b"x" * (size - size // 2), b"x" * (size // 2)])
    parts = served(body, size)({"REQUEST_METHOD": "GET"}, lambda *_: lambda _: None)
    assert parts == [b"x" * size]
    assert body.closed == 1


def test_large_bodies_are_passed_through() -> None:
    """They stay what they are, so that memory stays bounded."""
    body = Body([b"x"])
    for length in (IN_ONE_PIECE + 1, None):
        parts = served(body, length)({"REQUEST_METHOD": "GET"}, lambda *_: lambda _: None)
        assert parts is body
    assert body.closed == 0


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_path_without_its_slash_is_the_same_path(client: FlaskClient, slash: str) -> None:
    """Also where the method is not allowed; documents and health checks have one spelling."""
    refused = client.get(f"/api/v2/reports/generate{slash}")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "POST")
    assert client.get("/api/v2//reports").status_code == 404
    for path in ("/healthz/", "/readyz/", "/api/v2/docs/", "/api/v2/openapi.json/"):
        assert client.get(path).status_code == 404
