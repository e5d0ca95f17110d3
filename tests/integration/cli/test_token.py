"""`billing token issue`: a token on standard output, and nothing else."""

from datetime import UTC, datetime
from typing import Any

import jwt
import pytest

from tests.integration.cli.conftest import SECRET, Run


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILLING_JWT_SECRET", SECRET)


def claims(token: str) -> dict[str, Any]:
    """Return what a token says, verified."""
    return jwt.decode(token, SECRET, algorithms=["HS256"])


def test_a_token_is_printed_alone_and_allows_everything(run: Run) -> None:
    """All scopes, every customer, thirty days."""
    result = run("token", "issue", "--subject", "alice")
    assert result.exit_code == 0
    assert result.stderr == ""
    token = result.stdout.removesuffix("\n")
    found = claims(token)
    assert (found["sub"], found["customers"]) == ("alice", "*")
    assert found["scope"].split() == [
        "reports:read",
        "reports:write",
        "catalog:write",
        "audit:read",
    ]
    days = datetime.fromtimestamp(found["exp"], UTC) - datetime.fromtimestamp(found["iat"], UTC)
    assert days.days == 30


def test_a_token_grants_what_it_is_told_to(run: Run) -> None:
    """Scopes, customers and days narrow it."""
    result = run(
        "token",
        "issue",
        "--subject",
        "bob",
        "--scope",
        "reports:read",
        "--customer",
        "456",
        "--customer",
        "123",
        "--days",
        "1",
    )
    found = claims(result.stdout.strip())
    assert (found["scope"], sorted(found["customers"])) == ("reports:read", [123, 456])
    assert found["exp"] - found["iat"] == 86_400


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ((), 2),
        (("--subject", "a", "--scope", "everything"), 2),
        (("--subject", "a", "--customer", "x"), 2),
        (("--subject", "a", "--days", "0"), 2),
        (("--subject", " "), 1),
    ],
)
def test_what_no_token_can_say_is_refused(run: Run, options: tuple[str, ...], code: int) -> None:
    """Nothing is printed on standard output then."""
    result = run("token", "issue", *options)
    assert result.exit_code == code
    assert result.stdout == ""


def test_without_a_secret_there_is_no_token(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line names the setting."""
    monkeypatch.delenv("BILLING_JWT_SECRET")
    result = run("token", "issue", "--subject", "alice")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: BILLING_JWT_SECRET takes ")
