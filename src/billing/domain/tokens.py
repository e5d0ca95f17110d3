"""Tokens: those that this installation issued, and those that no longer count."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from billing.domain.audit import Change, state_hash
from billing.domain.document import instant_text

LISTED_AFTER_END = timedelta(days=1)
"""How long a token that has ended, and its revocation, are still known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """What is kept of a token: what it grants, never the token itself. customers: None for all."""

    jti: str
    subject: str
    scopes: tuple[str, ...]
    customers: tuple[int, ...] | None
    issued_at: datetime
    expires_at: datetime


class Revoked(StrEnum):
    """What a revocation ends: one token, by its jti, or a subject's tokens of until then."""

    TOKEN = "token"  # noqa: S105 a word
    SUBJECT = "subject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """Who ended a token, or all of a subject's, when and why.

    name: the jti or the subject. expires_at: the end that the token would have had, after which
    there is nothing to refuse; None when nobody knows it.
    """

    kind: Revoked
    name: str
    revoked_at: datetime
    revoked_by: str
    reason: str | None = None
    expires_at: datetime | None = None


class TokenRepository(Protocol):
    """The tokens of the installation. They are no customer's, so an access hides none."""

    def record(self, token: IssuedToken, /) -> None:
        """Keep what a new token grants."""

    def find(self, jti: str, /) -> IssuedToken | None:
        """Return the token that was issued here under this jti."""

    def issued(self) -> list[IssuedToken]:
        """Return the tokens issued here, by time and jti."""

    def revoke(self, revocation: Revocation, /) -> bool:
        """Keep a revocation, and tell whether it is new.

        A token is revoked once: the first revocation stays. A later one of a subject replaces the
        earlier one.
        """

    def revocation_of(self, subject: str, /) -> Revocation | None:
        """Return the revocation of a subject's tokens."""

    def revocations(self) -> list[Revocation]:
        """Return all revocations, by time, kind and name."""

    def forget_ended(self, before: datetime, /) -> None:
        """Forget the tokens that ended before an instant, and their revocations."""


class RevokedTokens:
    """The revocations at hand, as every request asks for them: two look-ups."""

    def __init__(self, revocations: Iterable[Revocation] = ()) -> None:
        self._tokens: set[str | None] = set()
        self._subjects: dict[str, int] = {}
        for revocation in revocations:
            if revocation.kind is Revoked.TOKEN:
                self._tokens.add(revocation.name)
            else:
                self._subjects[revocation.name] = int(revocation.revoked_at.timestamp())

    def include(self, jti: str | None, subject: str, issued_at: int | Decimal | None) -> bool:
        """Tell whether a token is revoked. issued_at: epoch seconds; None counts as long ago.

        A token says the second in which it was issued: all of that second is revoked.
        """
        if jti in self._tokens:
            return True
        until = self._subjects.get(subject)
        return until is not None and (issued_at is None or issued_at < until + 1)


def issued_change(token: IssuedToken, /) -> Change:
    """Return what issuing a token changed: what it grants, never the token itself."""
    grant = _grant(token)
    return Change(
        action="token.issued",
        object_kind="token",
        object_id=token.jti,
        hash_after=state_hash(grant),
        details={name: grant[name] for name in grant if name not in ("jti", "issued_at")},
    )


def revoked_change(revocation: Revocation, token: IssuedToken | None, /) -> Change:
    """Return what a revocation changed. token: the revoked one, if it was issued here."""
    state = {
        "kind": revocation.kind.value,
        "name": revocation.name,
        "revoked_at": instant_text(revocation.revoked_at),
    }
    details = {"reason": revocation.reason, "by": revocation.revoked_by}
    return Change(
        action=f"{revocation.kind.value}.revoked",
        object_kind=revocation.kind.value,
        object_id=revocation.name,
        hash_before=None if token is None else state_hash(_grant(token)),
        hash_after=state_hash(state),
        details=details if token is None else {**details, "subject": token.subject},
    )


class TokenLine(NamedTuple):
    """One line of the list: a token, a revocation, or both."""

    token: IssuedToken | None
    revocation: Revocation | None


def token_lines(
    issued: Iterable[IssuedToken], revocations: Iterable[Revocation]
) -> Iterator[TokenLine]:
    """Return each token with what revoked it, then the revocations of all other tokens."""
    by_name = {(revocation.kind, revocation.name): revocation for revocation in revocations}
    others = dict(by_name)
    for token in issued:
        revocation = _revocation_of(token, by_name)
        if revocation is not None:
            others.pop((revocation.kind, revocation.name), None)
        yield TokenLine(token, revocation)
    for revocation in others.values():
        yield TokenLine(None, revocation)


def _revocation_of(
    token: IssuedToken, by_name: Mapping[tuple[Revoked, str], Revocation]
) -> Revocation | None:
    found = (
        by_name.get((Revoked.TOKEN, token.jti)),
        by_name.get((Revoked.SUBJECT, token.subject)),
    )
    issued_at = int(token.issued_at.timestamp())
    for revocation in found:
        if revocation and RevokedTokens([revocation]).include(token.jti, token.subject, issued_at):
            return revocation
    return None


def _grant(token: IssuedToken) -> dict[str, Any]:
    return {
        "jti": token.jti,
        "subject": token.subject,
        "scopes": list(token.scopes),
        "customers": None if token.customers is None else list(token.customers),
        "issued_at": instant_text(token.issued_at),
        "expires_at": instant_text(token.expires_at),
    }
