"""Health: the process is up, and it can do its work or says what is missing."""

import pytest
from flask.testing import FlaskClient

from billing.domain.errors import StorageUnavailableError
from billing.domain.ports import Storage


def unavailable() -> None:
    """Check like a storage that is away."""
    raise StorageUnavailableError("The database is not migrated: run billing db upgrade")


def test_a_healthy_service_says_so(anonymous: FlaskClient) -> None:
    """Both checks answer without a token."""
    for path in ("/healthz", "/readyz"):
        response = anonymous.get(path)
        assert (response.status_code, response.json) == (200, {"status": "ok"})


def test_a_service_without_its_storage_is_up_but_not_ready(
    anonymous: FlaskClient, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The load balancer waits; the process is not restarted for it."""
    monkeypatch.setattr(storage, "check", unavailable, raising=False)
    assert anonymous.get("/healthz").status_code == 200
    response = anonymous.get("/readyz")
    assert response.status_code == 503
    assert response.json == {"error": "The database is not migrated: run billing db upgrade"}
    assert int(response.headers["Retry-After"]) >= 1


def test_a_storage_that_has_nothing_to_check_is_ready(
    anonymous: FlaskClient, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The port does not ask an embedder's storage for a check."""
    monkeypatch.setattr(storage, "check", None, raising=False)
    assert anonymous.get("/readyz").status_code == 200
