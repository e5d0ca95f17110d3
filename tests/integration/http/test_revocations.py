"""Revocations: a token that was revoked is not believed any more, on every process."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from billing.adapters.memory import MemoryStorage
from billing.adapters.sql.storage import SqlStorage
from billing.bootstrap import Billing, compose
from billing.domain.access import Access
from billing.domain.errors import StorageUnavailableError
from billing.domain.ports import Repositories, Storage
from billing.domain.tokens import Revocation, Revoked
from billing.entrypoints.http import revocations
from billing.entrypoints.http.app import create_app
from billing.entrypoints.http.revocations import REFRESH_SECONDS, RETRY_SECONDS
from billing.entrypoints.tokens import SCOPES, NewToken, new_token
from billing.settings import Settings
from tests.integration.http.conftest import NOW, SetClock
from tests.integration.http.test_auth import CLAIMS, NOW_SECONDS, assert_invalid, signed

EVERYTHING = Access.everything()


class Outages:
    """A storage that is away when a test says so, and counts how often it is read."""

    def __init__(self, inner: Storage) -> None:
        self._inner = inner
        self.is_away = False
        self.reads = 0

    @contextmanager
    def transaction(self, access: Access, /) -> Iterator[Repositories]:
        with self._inner.transaction(access) as tx:
            yield tx

    @contextmanager
    def snapshot(self, access: Access, /) -> Iterator[Repositories]:
        self.reads += 1
        if self.is_away:
            raise StorageUnavailableError
        with self._inner.snapshot(access) as view:
            yield view


@pytest.fixture
def storage() -> Outages:
    """Keep everything in memory."""
    return Outages(MemoryStorage())


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return a function that lets seconds pass."""
    passed = [1_000.0]
    monkeypatch.setattr(revocations, "monotonic", lambda: passed[0])

    def wait(seconds: float) -> None:
        passed[0] += seconds

    return wait


@pytest.fixture
def token(settings: Settings) -> NewToken:
    """Issue a token to alice."""
    return new_token(settings, "alice", SCOPES, None, 1, NOW)


def ask(client: FlaskClient, token: str) -> TestResponse:
    """Call the service with a token."""
    return client.get("/api/v2/customers/", headers={"Authorization": f"Bearer {token}"})


def revoke(storage: Storage, kind: Revoked, name: str) -> None:
    """Revoke at noon."""
    with storage.transaction(EVERYTHING) as tx:
        tx.tokens.revoke(Revocation(kind=kind, name=name, revoked_at=NOW, revoked_by="bob"))


def test_a_revoked_token_is_invalid(
    anonymous: FlaskClient,
    storage: Outages,
    settings: Settings,
    token: NewToken,
    later: Callable[[float], None],
) -> None:
    """Within the time of a refresh; the user's other tokens go on."""
    other = new_token(settings, "alice", SCOPES, None, 1, NOW)
    assert ask(anonymous, token.text).status_code == 200
    revoke(storage, Revoked.TOKEN, token.issued.jti)
    later(REFRESH_SECONDS)
    assert_invalid(ask(anonymous, token.text))
    assert ask(anonymous, other.text).status_code == 200
    assert REFRESH_SECONDS + RETRY_SECONDS < 60


def test_all_tokens_of_a_subject_are_invalid(
    anonymous: FlaskClient, storage: Outages, settings: Settings, clock: SetClock
) -> None:
    """Those of until then, also of other issuers, who may say neither jti nor iat."""
    revoke(storage, Revoked.SUBJECT, "alice")
    for claims in ({}, {"iat": NOW_SECONDS}, {"jti": "x", "iat": NOW_SECONDS - 60}):
        assert_invalid(ask(anonymous, signed(CLAIMS | claims)))
    clock.instant = NOW + timedelta(seconds=1)
    new = new_token(settings, "alice", SCOPES, None, 1, clock.now())
    assert ask(anonymous, new.text).status_code == 200
    assert ask(anonymous, signed(CLAIMS | {"sub": "bob"})).status_code == 200


@pytest.mark.parametrize("jti", [7, True, ["a"], {}])
def test_a_jti_is_a_text(anonymous: FlaskClient, jti: object) -> None:
    """RFC 7519; a token with another one could not be revoked by it."""
    assert_invalid(ask(anonymous, signed(CLAIMS | {"jti": jti})))
    assert ask(anonymous, signed(CLAIMS | {"jti": None})).status_code == 200


def test_a_request_asks_the_storage_for_nothing(
    anonymous: FlaskClient, storage: Outages, token: NewToken, later: Callable[[float], None]
) -> None:
    """But for one in a while, the revocations are at hand."""
    ask(anonymous, token.text)
    before = storage.reads
    for _ in range(5):
        later(REFRESH_SECONDS / 5 - 0.01)
        ask(anonymous, token.text)
    assert storage.reads - before == 5  # What the view itself reads.
    later(REFRESH_SECONDS)
    ask(anonymous, token.text)
    assert storage.reads - before == 7


def test_while_the_storage_is_away_the_last_ones_hold(
    anonymous: FlaskClient, storage: Outages, token: NewToken, later: Callable[[float], None]
) -> None:
    """It is asked again soon, not by every request; what was revoked stays so."""
    revoke(storage, Revoked.TOKEN, "other")
    revoke(storage, Revoked.TOKEN, token.issued.jti)
    assert_invalid(ask(anonymous, token.text))
    storage.is_away = True
    later(REFRESH_SECONDS)
    before = storage.reads
    for _ in range(3):
        assert_invalid(ask(anonymous, token.text))
    assert storage.reads == before + 1
    storage.is_away = False
    revoke(storage, Revoked.SUBJECT, "alice")
    later(RETRY_SECONDS)
    assert_invalid(ask(anonymous, signed(CLAIMS)))


def test_before_the_first_ones_nobody_is_believed(
    anonymous: FlaskClient, storage: Outages, token: NewToken, later: Callable[[float], None]
) -> None:
    """503, as for everything while the storage is away; then it goes on by itself."""
    storage.is_away = True
    answer = ask(anonymous, token.text)
    assert answer.status_code == 503
    assert answer.json == {"error": "Tokens cannot be verified now: the storage is unavailable."}
    assert answer.headers["Retry-After"] == str(RETRY_SECONDS)
    assert anonymous.get("/healthz").status_code == 200
    assert anonymous.get("/api/v2/customers/").status_code == 401
    storage.is_away = False
    later(RETRY_SECONDS)
    assert ask(anonymous, token.text).status_code == 200


def test_a_fault_is_not_the_tokens(
    anonymous: FlaskClient, storage: Outages, token: NewToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody foresaw is a 500: whoever gets a 401 throws the token away."""

    def fail(_: Access) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(storage, "snapshot", fail)
    answer = ask(anonymous, token.text)
    assert (answer.status_code, answer.json) == (500, {"error": "An internal error occurred."})


def test_every_process_knows_it(
    settings: Settings,
    token: NewToken,
    clock: SetClock,
    tmp_path: Path,
    later: Callable[[float], None],
) -> None:
    """Two services on one database, and a third party that revokes."""

    def process() -> SqlStorage:
        return SqlStorage.open(f"sqlite:///{tmp_path / 'billing.db'}")

    operator = process()
    operator.upgrade()
    storages = [process(), process()]
    services: list[Flask] = [create_app(settings, compose(s, clock=clock)) for s in storages]
    for service in services:
        assert ask(service.test_client(), token.text).status_code == 200
    revoke(operator, Revoked.TOKEN, token.issued.jti)
    later(REFRESH_SECONDS)
    for service in services:
        assert_invalid(ask(service.test_client(), token.text))
    for storage in (operator, *storages):
        storage.close()


def test_a_revoked_token_counts_on_the_address(
    settings: Settings, billing: Billing, storage: Outages, token: NewToken
) -> None:
    """As all do that are not believed: it takes nothing from its former user's limit."""
    revoke(storage, Revoked.TOKEN, token.issued.jti)
    limited = Settings(jwt_secret=settings.jwt_secret, rate_limit="2 per minute")
    client = create_app(limited, billing).test_client()
    other = new_token(settings, "alice", SCOPES, None, 1, NOW)
    assert [ask(client, token.text).status_code for _ in range(3)] == [401, 401, 429]
    assert ask(client, other.text).status_code == 200
