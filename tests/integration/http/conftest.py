"""Fixtures of the HTTP tests: the real service over memory, a clock to set, and its callers."""

from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient

from billing.adapters.memory import MemoryStorage
from billing.bootstrap import Billing, compose
from billing.domain.ports import Storage
from billing.entrypoints.http.app import create_app
from billing.entrypoints.tokens import SCOPES, issue
from billing.settings import Settings

NOW = datetime(2023, 2, 1, 12, 0, tzinfo=UTC)
SECRET = "a secret of the tests, long enough for every algorithm that it must not be used with"

Caller = Callable[..., FlaskClient]


class SetClock:
    """A clock that stands where it is set."""

    def __init__(self, instant: datetime) -> None:
        self.instant = instant

    def now(self) -> datetime:
        """Return the instant it is set to."""
        return self.instant


@pytest.fixture
def clock() -> SetClock:
    """Stand at noon of 2023-02-01, until a test sets `instant`."""
    return SetClock(NOW)


@pytest.fixture
def storage() -> Storage:
    """Keep everything in memory."""
    return MemoryStorage()


@pytest.fixture
def billing(storage: Storage, clock: SetClock) -> Billing:
    """Wire the use cases, as the service does."""
    return compose(storage, clock=clock)


@pytest.fixture
def settings() -> Settings:
    """Set only a secret, and a rate limit that no test meets by chance."""
    return Settings(jwt_secret=SECRET, database_url="memory://", rate_limit="100000 per minute")


@pytest.fixture
def app(settings: Settings, billing: Billing) -> Flask:
    """Make the service."""
    return create_app(settings, billing)


@pytest.fixture
def caller(app: Flask, settings: Settings, clock: SetClock) -> Caller:
    """Return a function that makes a client with a token of its own; it may do all by default."""

    def make(
        *,
        scopes: Iterable[str] = SCOPES,
        customers: Collection[int] | None = None,
        subject: str = "alice",
    ) -> FlaskClient:
        token = issue(settings, subject, scopes, customers, 1, clock.now())
        client = app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return client

    return make


@pytest.fixture
def client(caller: Caller) -> FlaskClient:
    """Call as somebody who may do everything."""
    return caller()


@pytest.fixture
def anonymous(app: Flask) -> FlaskClient:
    """Call without a token."""
    return app.test_client()
