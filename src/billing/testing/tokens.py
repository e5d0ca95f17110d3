"""StorageContract, part of the tokens: what was issued, and what no longer counts."""

from dataclasses import replace
from datetime import timedelta

import pytest

from billing.domain.access import Access
from billing.domain.ports import Storage
from billing.domain.tokens import IssuedToken, Revocation, Revoked
from billing.testing.world import EVERYTHING, NOON

DAY = timedelta(days=1)
TOKEN = IssuedToken(
    jti="b",
    subject="Łucja",
    scopes=("reports:read", "reports:write"),
    customers=(1, 2**63 - 1),
    issued_at=NOON,
    expires_at=NOON + 30 * DAY,
)
TOKENS = [
    replace(TOKEN, jti="z", issued_at=NOON - DAY, customers=None),
    replace(TOKEN, jti="B", scopes=(), customers=()),
    TOKEN,
]
BY_JTI = Revocation(
    kind=Revoked.TOKEN,
    name="b",
    revoked_at=NOON + timedelta(microseconds=1),
    revoked_by="bob",
    reason="left in a log 東京",
    expires_at=NOON + 30 * DAY,
)
BY_SUBJECT = Revocation(
    kind=Revoked.SUBJECT, name="b", revoked_at=NOON + DAY, revoked_by="bob", reason=None
)


class TokensContract:
    """What every Storage does with tokens."""

    def test_issued_tokens_come_back_whole(self, storage: Storage) -> None:
        """By time, then by jti in the order of code points; none is another's by case."""
        with storage.transaction(EVERYTHING) as tx:
            for token in reversed(TOKENS):
                tx.tokens.record(token)
        with storage.snapshot(EVERYTHING) as view:
            assert view.tokens.issued() == TOKENS
            assert view.tokens.find("b") == TOKEN
            assert view.tokens.find("c") is None
            assert view.tokens.revocations() == []

    def test_a_token_is_revoked_once(self, storage: Storage) -> None:
        """Whoever was first, with the reason, stays; a subject of the same name is another."""
        with storage.transaction(EVERYTHING) as tx:
            assert tx.tokens.revoke(BY_SUBJECT)
            assert tx.tokens.revoke(BY_JTI)
            later = replace(BY_JTI, revoked_at=NOON + DAY, revoked_by="eve")
            assert not tx.tokens.revoke(later)
        with storage.snapshot(EVERYTHING) as view:
            assert view.tokens.revocations() == [BY_JTI, BY_SUBJECT]
            assert view.tokens.revocation_of("b") == BY_SUBJECT
            assert view.tokens.revocation_of("Łucja") is None

    def test_a_subject_is_revoked_again(self, storage: Storage) -> None:
        """The latest one says until when; an earlier one that comes late changes nothing."""
        later = replace(BY_SUBJECT, revoked_at=NOON + 2 * DAY, reason="again")
        with storage.transaction(EVERYTHING) as tx:
            assert tx.tokens.revoke(BY_SUBJECT)
            assert tx.tokens.revoke(later)
            assert not tx.tokens.revoke(BY_SUBJECT)
        with storage.snapshot(EVERYTHING) as view:
            assert view.tokens.revocations() == [later]

    def test_what_has_ended_is_forgotten(self, storage: Storage) -> None:
        """A revocation of a token whose end nobody knows stays."""
        unknown = replace(BY_JTI, name="unknown", expires_at=None)
        with storage.transaction(EVERYTHING) as tx:
            tx.tokens.record(TOKEN)
            tx.tokens.record(replace(TOKEN, jti="later", expires_at=NOON + 31 * DAY))
            for revocation in (BY_JTI, BY_SUBJECT, unknown):
                tx.tokens.revoke(revocation)
            tx.tokens.forget_ended(NOON + 30 * DAY)
            assert len(tx.tokens.issued()) == 2
            assert len(tx.tokens.revocations()) == 3
            tx.tokens.forget_ended(NOON + 30 * DAY + timedelta(seconds=1))
        with storage.snapshot(EVERYTHING) as view:
            assert [token.jti for token in view.tokens.issued()] == ["later"]
            assert view.tokens.revocations() == [unknown, BY_SUBJECT]

    def test_tokens_are_no_customers(self, storage: Storage) -> None:
        """An access to some customers, or to none, hides no revocation."""
        with storage.transaction(EVERYTHING) as tx:
            tx.tokens.revoke(BY_JTI)
        with storage.snapshot(Access.only(())) as view:
            assert view.tokens.revocations() == [BY_JTI]

    def test_tokens_roll_back_with_their_transaction(self, storage: Storage) -> None:
        """Nothing is left of a failed one."""
        with pytest.raises(RuntimeError), storage.transaction(EVERYTHING) as tx:  # noqa: PT012
            tx.tokens.record(TOKEN)
            tx.tokens.revoke(BY_JTI)
            raise RuntimeError
        with storage.snapshot(EVERYTHING) as view:
            assert view.tokens.issued() == []
            assert view.tokens.revocations() == []
