"""The rate limit: whom a request counts against, and what every answer tells about it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from limits import parse
from limits.errors import ConfigurationError
from werkzeug.test import TestResponse

from billing.bootstrap import Billing, compose
from billing.domain.errors import MissingExtraError
from billing.domain.ports import Storage
from billing.entrypoints.http.app import create_app
from billing.entrypoints.tokens import SCOPES, issue
from billing.settings import InvalidSettingError, Settings
from tests import servers
from tests.integration.http.conftest import NOW, SECRET, Caller, SetClock
from tests.integration.http.probe import probe

Wait = Callable[[float], None]

PATH = "/api/v2/probe/caller/"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Allow five requests."""
    return replace(settings, rate_limit="5 per minute")


@pytest.fixture
def app(app: Flask) -> Flask:
    """Add the probe to the service."""
    return probed(app)


@pytest.fixture
def wait(clock: SetClock) -> Wait:
    """Return a function that lets seconds pass."""

    def pass_seconds(seconds: float) -> None:
        clock.instant += timedelta(seconds=seconds)

    return pass_seconds


def probed(app: Flask) -> Flask:
    """Add the probe to a service."""
    app.register_blueprint(probe, url_prefix="/api/v2")
    return app


def statuses(client: FlaskClient, number: int, path: str = PATH) -> list[int]:
    """Call a number of times."""
    return [client.get(path).status_code for _ in range(number)]


def standing(response: TestResponse) -> tuple[str, str]:
    """Return the limit and what is left of it."""
    return response.headers["X-RateLimit-Limit"], response.headers["X-RateLimit-Remaining"]


def test_the_request_over_the_limit_is_throttled(caller: Caller, wait: Wait) -> None:
    """The answer says, in its sentence and its header, when to come back."""
    client = caller()
    assert statuses(client, 5) == [200] * 5
    wait(20)
    response = client.get(PATH)
    assert response.status_code == 429
    assert response.json == {"detail": "Request was throttled. Expected available in 40 seconds."}
    assert response.headers["Retry-After"] == "40"
    assert standing(response) == ("5", "0")
    assert response.headers["X-RateLimit-Reset"] == str(int(NOW.timestamp()) + 60)


def test_the_window_moves(caller: Caller, wait: Wait) -> None:
    """At no time do more than the limit pass within a minute, also around a full minute."""
    client = caller()
    wait(59)
    assert statuses(client, 6) == [200] * 5 + [429]
    wait(2)
    assert statuses(client, 1) == [429]
    wait(58.5)
    assert statuses(client, 6) == [200] * 5 + [429]


def test_the_wait_that_is_asked_for_is_enough(caller: Caller, wait: Wait) -> None:
    """A client that waits as long as it is told gets in, and would not a moment earlier."""
    client = caller()
    statuses(client, 5)
    wait(17.3)
    seconds = int(client.get(PATH).headers["Retry-After"])
    wait(seconds - 1)
    assert statuses(client, 1) == [429]
    wait(1.5)
    assert statuses(client, 1) == [200]


def test_every_answer_tells_where_the_client_stands(caller: Caller) -> None:
    """Also refusals, and also those that come before counting."""
    client = caller(scopes=["reports:read"])
    assert standing(client.get(PATH)) == ("5", "4")
    assert standing(client.get("/api/v2/no/such/path")) == ("5", "4")
    assert standing(client.delete(PATH)) == ("5", "4")
    assert standing(client.post("/api/v2/probe/json/", json={})) == ("5", "3")
    assert standing(client.get("/api/v2/probe/fail/")) == ("5", "2")
    assert standing(client.get(PATH, query_string={"x": 1})) == ("5", "1")


def test_only_throttled_answers_ask_to_come_back(caller: Caller) -> None:
    """A `Retry-After` on a good answer would send clients away."""
    client = caller()
    assert all("Retry-After" not in client.get(PATH).headers for _ in range(5))
    assert "Retry-After" in client.get(PATH).headers


def test_a_user_has_one_bucket_over_all_routes_and_tokens(caller: Caller) -> None:
    """Another token, another route: still the same user."""
    first, second = caller(), caller(customers=[1], scopes=["reports:read"])
    assert statuses(first, 3) == [200] * 3
    assert statuses(second, 3, "/api/v2/probe/id/1/") == [200, 200, 429]
    assert statuses(first, 1) == [429]


def test_users_do_not_count_against_each_other(caller: Caller) -> None:
    """Two users behind one address have a bucket each."""
    assert statuses(caller(subject="alice"), 6) == [200] * 5 + [429]
    assert statuses(caller(subject="bob"), 6) == [200] * 5 + [429]


def test_without_a_good_token_the_address_counts(anonymous: FlaskClient, caller: Caller) -> None:
    """Guessing tokens is limited too, and throttled before anything is said about the token."""
    assert statuses(anonymous, 3) == [401] * 3
    forged = {"Authorization": "Bearer x.y.z"}
    assert [anonymous.get(PATH, headers=forged).status_code for _ in range(3)] == [401, 401, 429]
    assert anonymous.get(PATH, environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 401
    assert statuses(caller(), 1) == [200]


def test_forged_tokens_cost_their_victim_nothing(caller: Caller, anonymous: FlaskClient) -> None:
    """A `sub` counts only once its signature is verified."""
    settings = Settings(jwt_secret="somebody else's secret, of quite some length")
    forged = issue(settings, "alice", SCOPES, None, 1, NOW)
    for _ in range(50):
        anonymous.get(PATH, headers={"Authorization": f"Bearer {forged}"})
    assert standing(caller(subject="alice").get(PATH)) == ("5", "4")


def test_a_client_without_an_address_is_counted_too(anonymous: FlaskClient) -> None:
    """A server on a unix socket knows no address; nobody is let off the limit for that."""
    nowhere = {"REMOTE_ADDR": ""}
    calls = [anonymous.get(PATH, environ_base=nowhere).status_code for _ in range(6)]
    assert calls == [401] * 5 + [429]


def test_health_and_documents_are_not_counted(anonymous: FlaskClient) -> None:
    """Probes come often; their answers say nothing about a limit that does not hold for them."""
    for path in ("/healthz", "/readyz", "/api/v2/openapi.json", "/api/v2/docs"):
        for _ in range(6):
            response = anonymous.get(path)
            assert response.status_code == 200
            assert "X-RateLimit-Limit" not in response.headers


def test_forwarding_headers_are_believed_of_trusted_proxies_only(
    billing: Billing, settings: Settings
) -> None:
    """By default the address is the peer's; with one proxy it is the last one that it names."""
    for proxies, expected in ((0, [401] * 5 + [429]), (1, [401] * 6)):
        app = probed(create_app(replace(settings, trusted_proxies=proxies), billing))
        client = app.test_client()
        calls = [
            client.get(PATH, headers={"X-Forwarded-For": f"10.0.0.1, 192.0.2.{number}"})
            for number in range(6)
        ]
        assert [response.status_code for response in calls] == expected


def test_processes_share_a_limit_in_redis(
    storage: Storage, settings: Settings, valkey_url: str
) -> None:
    """Two processes with one Redis let through no more than one does."""
    shared = replace(settings, rate_limit_storage=valkey_url)
    token = issue(settings, "shared", SCOPES, None, 1, NOW)
    headers = {"Authorization": f"Bearer {token}"}
    clients = [
        probed(create_app(shared, compose(storage, clock=SetClock(NOW)))).test_client()
        for _ in range(2)
    ]
    calls = [clients[number % 2].get(PATH, headers=headers) for number in range(8)]
    assert [response.status_code for response in calls] == [200] * 5 + [429] * 3
    assert standing(calls[1]) == ("5", "3")


def test_without_redis_each_process_counts_for_itself(billing: Billing, settings: Settings) -> None:
    """Requests are still served, still limited, and still told where they stand."""
    away = replace(settings, rate_limit_storage="redis+unix:///no/such/redis.sock")
    client = probed(create_app(away, billing)).test_client()
    assert standing(client.get("/no/such/path")) == ("5", "5")
    assert statuses(client, 6) == [401] * 5 + [429]
    assert standing(client.get(PATH)) == ("5", "0")


def test_redis_may_go_away_while_the_service_runs(billing: Billing, settings: Settings) -> None:
    """The request that meets the loss is answered like any other."""
    with servers.required(servers.valkey()) as path:
        shared = replace(settings, rate_limit_storage=f"redis+unix://{path}")
        client = probed(create_app(shared, billing)).test_client()
        assert statuses(client, 2) == [401] * 2
    assert statuses(client, 6) == [401] * 5 + [429]


def test_a_missing_redis_package_is_named(
    billing: Billing, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The start stops with the command that installs it."""

    def missing(*_: object, **__: object) -> None:
        raise ConfigurationError("'redis' prerequisite not available.")

    monkeypatch.setattr("limits.storage.RedisStorage.__init__", missing)
    with pytest.raises(MissingExtraError, match=r"pip install 'billing\[redis\]'"):
        create_app(replace(settings, rate_limit_storage="redis://localhost"), billing)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("100 per minute", 100), ("1/second", 1), ("5 per 10 seconds", 5), ("7/2hour", 7)],
)
def test_what_settings_take_for_a_limit_is_one(text: str, amount: int) -> None:
    """The settings check the syntax themselves; the library that counts must read it alike."""
    settings = Settings.from_environ({"BILLING_RATE_LIMIT": text, "BILLING_JWT_SECRET": SECRET})
    assert parse(settings.rate_limit).amount == amount
    with pytest.raises(InvalidSettingError):
        Settings.from_environ({"BILLING_RATE_LIMIT": f"{text} or so"})
