"""`billing token`: a token on standard output, and nothing else; listing and revoking it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import pytest

from billing.bootstrap import Billing
from billing.domain.access import Access
from billing.domain.tokens import IssuedToken
from tests.integration.cli.conftest import SECRET, Run


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILLING_JWT_SECRET", SECRET)


def claims(token: str) -> dict[str, Any]:
    """Return what a token says, verified."""
    return jwt.decode(token, SECRET, algorithms=["HS256"], leeway=30)


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


def issued(run: Run, *options: str, subject: str = "alice") -> tuple[str, str]:
    """Issue a token; return it and its jti."""
    token = run("token", "issue", "--subject", subject, *options).stdout.strip()
    return token, claims(token)["jti"]


def listed(run: Run) -> list[dict[str, Any]]:
    """Return the list of tokens."""
    done = run("token", "list", "--format", "json")
    assert (done.exit_code, done.stderr) == (0, "")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_issued_tokens_are_listed_without_themselves(run: Run) -> None:
    """What each grants, and until when; the token is kept nowhere."""
    assert listed(run) == []
    token, jti = issued(run, "--scope", "reports:read", "--customer", "7", "--days", "2")
    _, other = issued(run, subject="bob")
    lines = {line["jti"]: line for line in listed(run)}
    line = lines[jti]
    assert (line["subject"], line["scopes"], line["customers"]) == ("alice", ["reports:read"], [7])
    ends = datetime.fromisoformat(line["expires_at"])
    assert (ends - datetime.fromisoformat(line["issued_at"])).days == 2
    assert int(ends.timestamp()) == claims(token)["exp"]
    assert (lines[other]["customers"], lines[other]["revoked_at"]) == ("*", None)
    table = run("token", "list").stdout
    assert jti in table
    assert all(part not in table for part in token.split("."))


def test_a_token_is_revoked_by_its_jti(run: Run) -> None:
    """Who did it and why are kept; doing it again changes nothing."""
    _, jti = issued(run)
    done = run("token", "revoke", jti, "--reason", "left the company", "--by", "eve")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "The token of alice is revoked.\n"
    again = run("token", "revoke", jti, "--by", "mallory")
    assert (again.exit_code, again.stderr) == (0, "The token was revoked already.\n")
    (line,) = listed(run)
    assert (line["revoked_by"], line["reason"]) == ("eve", "left the company")
    assert line["revoked_at"].endswith("Z")


def test_a_token_is_revoked_by_itself(run: Run, tmp_path: Path) -> None:
    """From a file or the standard input, for it would stay in the shell's history."""
    file = tmp_path / "token"
    first, first_jti = issued(run)
    file.write_text(first + "\n")
    second, second_jti = issued(run)
    assert run("token", "revoke", "--token", str(file)).exit_code == 0
    assert run("token", "revoke", "--token", "-", input=second).exit_code == 0
    assert {line["jti"] for line in listed(run) if line["revoked_at"]} == {first_jti, second_jti}


def test_a_token_of_another_issuer_is_revoked(run: Run) -> None:
    """By its jti, told or read from it; it is listed by that alone."""
    token = jwt.encode({"jti": "theirs", "exp": 4_102_444_800}, "x" * 32, "HS256")
    done = run("token", "revoke", "--token", "-", input=token)
    assert "not among those that were issued here" in done.stderr
    (line,) = listed(run)
    assert (line["jti"], line["subject"], line["scopes"]) == ("theirs", None, None)
    assert line["revoked_at"] is not None


def test_all_tokens_of_a_subject_are_revoked(run: Run) -> None:
    """A new one may be issued at once: it is good, though its second be the same."""
    issued(run)
    issued(run)
    _, bobs = issued(run, subject="bob")
    done = run("token", "revoke", "--subject", "alice")
    assert done.stderr == "Every token of alice that was issued until now is revoked.\n"
    _, new = issued(run)
    standing = {line["jti"] for line in listed(run) if line["revoked_at"] is None}
    assert standing == {bobs, new}


@pytest.mark.parametrize(
    ("options", "text", "code"),
    [
        ((), "", 2),
        (("abc", "--subject", "alice"), "", 2),
        (("--token", "/nowhere/at/all"), "", 2),
        (("--token", "-"), "no token", 1),
        (("--token", "-"), "a.b.c", 1),
        (("--token", "-"), "x" * 10_000, 1),
        (("--token", "-"), jwt.encode({"sub": "a"}, "x" * 32), 1),
        (("--token", "-"), jwt.encode({"jti": "x" * 256}, "x" * 32), 1),
        (("x" * 256,), "", 1),
        (("--subject", " "), "", 1),
        (("abc", "--reason", "\a"), "", 1),
    ],
)
def test_what_cannot_be_revoked_is_refused(
    run: Run, options: tuple[str, ...], text: str, code: int
) -> None:
    """With one line, and nothing is kept."""
    done = run("token", "revoke", *options, input=text)
    assert (done.exit_code, done.stdout) == (code, "")
    assert "Traceback" not in done.stderr
    assert listed(run) == []


def test_what_has_ended_leaves_the_list(run: Run, billing: Billing) -> None:
    """With the next token that is issued or revoked."""
    old = IssuedToken(
        jti="old",
        subject="alice",
        scopes=(),
        customers=None,
        issued_at=datetime(2020, 1, 1, tzinfo=UTC),
        expires_at=datetime(2020, 1, 2, tzinfo=UTC),
    )
    with billing.storage.transaction(Access.everything()) as tx:
        tx.tokens.record(old)
    assert run("token", "revoke", "old").exit_code == 0
    assert listed(run) == []


def test_a_token_is_recorded_in_the_database_of_the_settings(command: Run) -> None:
    """The next command finds it."""
    token, jti = issued(command)
    assert command("token", "revoke", jti).exit_code == 0
    (line,) = listed(command)
    assert line["jti"] == claims(token)["jti"]
    assert line["revoked_at"]


def test_a_token_is_good_without_a_database(command: Run, tmp_path: Path) -> None:
    """It is printed alone; a line on standard error says by what it can be revoked."""
    url = f"postgresql+psycopg://nobody@/none?host={tmp_path}"
    done = command("token", "issue", "--subject", "alice", BILLING_DATABASE_URL=url)
    assert done.exit_code == 0
    jti = claims(done.stdout.removesuffix("\n"))["jti"]
    assert done.stderr.endswith(f"to revoke it by: {jti}\n")
    assert done.stderr.count("\n") == 1
    refused = command("token", "revoke", jti, BILLING_DATABASE_URL=url)
    assert refused.exit_code == 1
