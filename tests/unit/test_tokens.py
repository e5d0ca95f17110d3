"""Tokens: which ones a revocation ends, and how they are listed."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from billing.domain.tokens import Revocation, Revoked, RevokedTokens, TokenLine, token_lines
from billing.testing.tokens import BY_JTI, TOKEN
from billing.testing.world import NOON

NOON_SECONDS = int(NOON.timestamp())
AT_NOON = Revocation(
    kind=Revoked.SUBJECT,
    name="alice",
    revoked_at=NOON + timedelta(microseconds=999_999),
    revoked_by="bob",
)


def test_a_token_is_revoked_by_its_jti() -> None:
    """Whoever it is for and whenever it was issued; no other one is."""
    revoked = RevokedTokens([BY_JTI])
    assert revoked.include("b", "anybody", None)
    assert revoked.include("b", "anybody", NOON_SECONDS + 99)
    assert not revoked.include("B", "b", None)
    assert not revoked.include(None, "b", None)
    assert not RevokedTokens().include("b", "b", 0)


@pytest.mark.parametrize(
    ("issued_at", "expected"),
    [
        (NOON_SECONDS - 1, True),
        (NOON_SECONDS, True),
        (Decimal(NOON_SECONDS) + Decimal("0.9"), True),
        (NOON_SECONDS + 1, False),
        (Decimal("-1e999999"), True),
        (None, True),
    ],
)
def test_a_subjects_tokens_of_until_then_are_revoked(
    issued_at: int | Decimal | None, expected: bool
) -> None:
    """With all of that second, and those that do not say when they were issued."""
    revoked = RevokedTokens([AT_NOON])
    assert revoked.include("any", "alice", issued_at) is expected
    assert not revoked.include("alice", "bob", issued_at)


def test_lines_show_what_revoked_each_token_and_then_the_rest() -> None:
    """A token's own revocation goes before its subject's; nothing is shown twice or left out."""
    tokens = [
        replace(TOKEN, jti="b", subject="alice"),
        replace(TOKEN, jti="c", subject="alice"),
        replace(TOKEN, jti="d", subject="alice", issued_at=NOON + timedelta(seconds=1)),
        replace(TOKEN, jti="e", subject="bob"),
    ]
    foreign = replace(BY_JTI, name="foreign")
    nobody = replace(AT_NOON, name="nobody")
    lines = list(token_lines(tokens, [BY_JTI, AT_NOON, foreign, nobody]))
    assert lines == [
        TokenLine(tokens[0], BY_JTI),
        TokenLine(tokens[1], AT_NOON),
        TokenLine(tokens[2], None),
        TokenLine(tokens[3], None),
        TokenLine(None, foreign),
        TokenLine(None, nobody),
    ]
