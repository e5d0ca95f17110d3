"""Idempotency-Key: a call that is sent again is the same call."""

import json
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from billing.bootstrap import Billing
from billing.domain.report_query import ReportQuery
from tests.integration.http.conftest import NOW, SetClock
from tests.integration.http.worlds import API, JANUARY, Caller, put, settle

GENERATE = API + "reports/generate/"
BODY = {"customer_id": 1, **JANUARY}
REUSED = "This Idempotency-Key was used with another body: give a new key"
INVALID = (
    "Idempotency-Key: Give one key of 1 to 255 visible ASCII characters; "
    'one with a comma, or a " at its start, takes quotes.'
)


@pytest.fixture
def world(client: FlaskClient) -> FlaskClient:
    """Put the small world."""
    settle(client)
    return client


def send(client: FlaskClient, key: str, **changes: object) -> TestResponse:
    """Generate under a key; `changes` to the body win."""
    return client.post(GENERATE, json={**BODY, **changes}, headers={"Idempotency-Key": key})


def filed(billing: Billing) -> int:
    """Return how many reports there are."""
    return billing.archive.count(ReportQuery())


@pytest.mark.parametrize("output_format", ["json", "csv", "pdf"])
def test_the_same_call_answers_the_same_report(
    world: FlaskClient, billing: Billing, output_format: str
) -> None:
    """The same bytes and headers, and one that says that it is a replay."""
    first = send(world, "k1", output_format=output_format)
    again = send(world, "k1", output_format=output_format)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.data == again.data
    for name in ("Location", "Content-Type", "Content-Length", "Content-Disposition"):
        assert first.headers.get(name) == again.headers.get(name)
    assert filed(billing) == 1


def test_without_a_key_each_call_makes_a_report(world: FlaskClient, billing: Billing) -> None:
    """Reports are snapshots."""
    for _ in range(2):
        assert world.post(GENERATE, json=BODY).status_code == 201
    assert filed(billing) == 2


def test_equal_json_is_the_same_body(world: FlaskClient, billing: Billing) -> None:
    """White space and the order of members are not part of it."""
    send(world, "k1")
    text = json.dumps(dict(reversed(BODY.items())), indent=3)
    again = world.post(
        GENERATE + "", data=text, content_type="application/json", headers={"idempotency-key": "k1"}
    )
    assert again.headers["Idempotency-Replayed"] == "true"
    without_slash = world.post(GENERATE[:-1], json=BODY, headers={"Idempotency-Key": "k1"})
    assert without_slash.headers["Idempotency-Replayed"] == "true"
    assert filed(billing) == 1


@pytest.mark.parametrize(
    "changes", [{"end_date": "2023-01-30"}, {"services": None}, {"output_format": "json"}]
)
def test_another_body_is_422(
    world: FlaskClient, billing: Billing, changes: dict[str, object]
) -> None:
    """Also one that means the same."""
    send(world, "k1")
    refused = send(world, "k1", **changes)
    assert (refused.status_code, refused.json) == (422, {"error": REUSED})
    assert filed(billing) == 1


def test_only_successes_are_remembered(world: FlaskClient, billing: Billing) -> None:
    """A refused call is corrected and sent again with its key."""
    for changes, error in (
        ({"end_date": "2022-01-01"}, "Start date must be before end date"),
        ({"output_format": "xyz"}, "Invalid output format: xyz"),
        ({"customer_id": 999}, "Customer with ID 999 not found"),
        ({"services": [99]}, "Service with ID 99 not found"),
    ):
        refused = send(world, "k1", **changes)
        assert (refused.status_code, refused.json) == (400, {"error": error})
    corrected = send(world, "k1")
    assert corrected.status_code == 201
    assert "Idempotency-Replayed" not in corrected.headers
    assert filed(billing) == 1


def test_each_user_has_keys_of_their_own(world: FlaskClient, caller: Caller) -> None:
    """And all tokens of one user share them."""
    send(world, "k1")
    assert send(caller(subject="bob"), "k1").headers["Location"] == "/api/v2/reports/2/"
    again = send(caller(scopes=["reports:write"], customers=[1]), "k1")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == "/api/v2/reports/1/"


def test_a_replay_leaks_nothing(world: FlaskClient, caller: Caller) -> None:
    """To a token that does not name the customer it does not exist, as if the key were new."""
    send(world, "k1")
    refused = send(caller(customers=[2]), "k1")
    error = {"error": "Customer with ID 1 not found"}
    assert (refused.status_code, refused.json) == (400, error)
    assert send(caller(customers=[2]), "new").json == error
    assert send(caller(scopes=["reports:read"]), "k1").status_code == 403


def test_a_replay_shows_the_report_and_not_today(world: FlaskClient, clock: SetClock) -> None:
    """What changed after the first call is in neither answer."""
    first = send(world, "k1")
    put(world, "customers/1/", {"name": "Renamed"})
    clock.instant = NOW + timedelta(hours=24)
    assert send(world, "k1").data == first.data


def test_a_key_is_new_after_a_week(
    world: FlaskClient, caller: Caller, clock: SetClock, billing: Billing
) -> None:
    """Then it may have any body."""
    send(world, "k1")
    clock.instant = NOW + timedelta(days=7)
    assert send(caller(), "k1", end_date="2023-01-30").status_code == 201
    assert filed(billing) == 2


@pytest.mark.parametrize(
    "key", ["a", "!", "~" * 255, 'a"b', "\\", '"a,b"', '"a\\"b\\\\c"', f'"{"k" * 255}"', " a "]
)
def test_visible_ascii_is_a_key(world: FlaskClient, key: str) -> None:
    """Of 1 to 255 characters, bare or as an RFC 8941 string."""
    assert send(world, key).status_code == 201
    assert send(world, key).headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize(("quoted", "bare"), [('"abc"', "abc"), ('"a\\\\b"', "a\\b")])
def test_quotes_are_not_part_of_a_key(world: FlaskClient, quoted: str, bare: str) -> None:
    """Clients that follow the RFC draft and those that do not may share a key."""
    send(world, quoted)
    assert send(world, bare).headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize(
    "key",
    [
        "",
        " ",
        '""',
        "a b",
        '"a b"',
        "a\tb",
        "k" * 256,
        f'"{"k" * 256}"',
        "é",
        '"é"',
        '"a',
        '"a"b',
        '"a\\b"',
        "a,b",
        '"a","b"',
        '"a"; x=1',
    ],
)
def test_anything_else_is_no_key(world: FlaskClient, billing: Billing, key: str) -> None:
    """400 names the header, and nothing is stored."""
    refused = send(world, key)
    assert (refused.status_code, refused.json) == (400, {"error": INVALID})
    assert filed(billing) == 0


@pytest.mark.parametrize("keys", [("a", "b"), ("a", "a"), ('"a"', '"b"')])
def test_a_header_given_twice_is_refused(world: FlaskClient, keys: tuple[str, str]) -> None:
    """However the server hands the two on."""
    headers = [("Idempotency-Key", key) for key in keys]
    for answer in (
        world.post(GENERATE, json=BODY, headers=headers),
        send(world, ",".join(keys)),
        send(world, ", ".join(keys)),
    ):
        assert (answer.status_code, answer.json) == (400, {"error": INVALID})


def test_a_bad_body_is_told_before_a_bad_key(world: FlaskClient) -> None:
    """The body's own errors come first, and so does all that is checked before bodies."""
    refused = send(world, "", customer_id="1")
    assert refused.json is not None
    assert refused.json["error"].startswith("customer_id: ")
    kind = world.post(
        GENERATE, data="x", content_type="text/plain", headers={"Idempotency-Key": ""}
    )
    assert kind.status_code == 415


def test_other_calls_know_no_key(world: FlaskClient) -> None:
    """They make nothing twice anyhow."""
    headers = {"Idempotency-Key": "a b"}
    preview = world.post(API + "reports/preview/", json=BODY, headers=headers)
    assert preview.status_code == 200
