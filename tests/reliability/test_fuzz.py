"""Fuzz: whatever is sent, the answer is one of the known ones, in its envelope, and never a 500."""

import json
import time
from collections import Counter
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from billing.adapters.memory import MemoryStorage
from billing.bootstrap import compose
from billing.entrypoints.http.app import create_app
from billing.entrypoints.tokens import SCOPES, issue
from billing.settings import Settings
from tests.integration.http.conftest import NOW, SECRET, SetClock
from tests.integration.http.operations import OWN, settle_two
from tests.reliability.fuzzing import Fuzzer, Request
from tests.reliability.scale import SEED, size, tell

REQUESTS = size(20_000, 300_000)
A_WORLD = 1_000
"""Requests before the world starts anew: what they store would slow down those that follow."""

SETTINGS = Settings(jwt_secret=SECRET, database_url="memory://", rate_limit="1000000 per minute")
ANSWERS = {200, 201, 202, 304}
REFUSALS = {400, 401, 403, 404, 405, 409, 413, 415, 422}


def new_world() -> tuple[Flask, dict[str, str]]:
    """Return a service over the world of two customers, and the tokens of its callers."""
    app = create_app(SETTINGS, compose(MemoryStorage(), clock=SetClock(NOW)))

    def token(scopes: tuple[str, ...], customers: list[int] | None) -> str:
        return f"Bearer {issue(SETTINGS, 'alice', scopes, customers, 1, NOW)}"

    tokens = {
        "good": token(SCOPES, None),
        "one": token(SCOPES, [OWN]),
        "read": token(SCOPES[:1], None),
        "bad": "Bearer x.y.z",
    }
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = tokens["good"]
    settle_two(client)
    return app, tokens


def sent(client: FlaskClient, request: Request, tokens: dict[str, str]) -> TestResponse:
    """Send a request."""
    options = request.as_options()
    if request.token in tokens:
        options["headers"] = {**options["headers"], "Authorization": tokens[request.token]}
    return client.open(**options)


def problem(request: Request, response: TestResponse) -> str | None:
    """Return what is wrong with an answer."""
    status = response.status_code
    if status not in ANSWERS | REFUSALS:
        return f"status {status}"
    if "Content-Length" not in response.headers:
        return "no length"
    if status in ANSWERS or request.method == "HEAD":
        return None
    if response.content_type != "application/json":
        return f"content type {response.content_type}"
    word = "error" if status in {400, 409, 422} else "detail"
    if not is_envelope(json.loads(response.data), word):
        return f"envelope {response.text[:200]}"
    return None


def is_envelope(body: Any, word: str) -> bool:
    """Tell whether a body is one sentence under its word, with `details` at most."""
    if not isinstance(body, dict) or body.keys() - {"details"} != {word}:
        return False
    return isinstance(body[word], str) and bool(body[word])


@pytest.mark.filterwarnings("default")
def test_no_request_breaks_the_service() -> None:
    """Thousands of them, of the API's grammar and beside it; the seed repeats a failure."""
    fuzzer = Fuzzer(SEED)
    statuses: Counter[int] = Counter()
    longest, begun = 0.0, time.perf_counter()
    for number in range(REQUESTS):
        if number % A_WORLD == 0:
            app, tokens = new_world()
            client = app.test_client()
        request = fuzzer.request()
        started = time.process_time()  # What others run on this machine does not count.
        response = sent(client, request, tokens)
        longest = max(longest, time.process_time() - started)
        wrong = problem(request, response)
        assert wrong is None, f"request {number} of seed {SEED}: {wrong}: {request!r:.2000}"
        statuses[response.status_code] += 1
    assert statuses[200] > REQUESTS // 20
    assert statuses[400] > REQUESTS // 10
    tell(
        "fuzz",
        requests=REQUESTS,
        statuses=dict(sorted(statuses.items())),
        seconds=round(time.perf_counter() - begun, 1),
        longest_cpu_ms=round(longest * 1_000),
    )
