"""SqlTokens: one row an issued token, one row a revocation."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from billing.adapters.sql.catalog import SqlRepository
from billing.adapters.sql.request_tables import issued_tokens, token_revocations
from billing.domain.tokens import IssuedToken, Revocation, Revoked


class SqlTokens(SqlRepository):
    """The tokens of the installation."""

    def record(self, token: IssuedToken, /) -> None:
        """Keep what a new token grants."""
        customers = None if token.customers is None else json.dumps(token.customers)
        values = {
            "jti": token.jti,
            "subject": token.subject,
            "scopes": " ".join(token.scopes),
            "customers": customers,
            "issued_at": token.issued_at,
            "expires_at": token.expires_at,
        }
        self._connection.execute(insert(issued_tokens).values(values))

    def find(self, jti: str, /) -> IssuedToken | None:
        """Return the token that was issued here under this jti."""
        statement = select(issued_tokens).where(issued_tokens.c.jti == jti)
        row = self._connection.execute(statement).one_or_none()
        return None if row is None else _token(row)

    def issued(self) -> list[IssuedToken]:
        """Return the tokens issued here, by time and jti."""
        statement = select(issued_tokens).order_by(issued_tokens.c.issued_at, issued_tokens.c.jti)
        return [_token(row) for row in self._connection.execute(statement)]

    def revoke(self, revocation: Revocation, /) -> bool:
        """Keep a revocation, and tell whether it is new."""
        values = {
            "kind": revocation.kind.value,
            "name": revocation.name,
            "revoked_at": revocation.revoked_at,
            "revoked_by": revocation.revoked_by,
            "reason": revocation.reason,
            "expires_at": revocation.expires_at,
        }
        upsert = sqlite.insert if self._connection.dialect.name == "sqlite" else postgresql.insert
        statement = upsert(token_revocations).values(values)
        key = list(token_revocations.primary_key)
        if revocation.kind is Revoked.TOKEN:
            statement = statement.on_conflict_do_nothing(index_elements=key)
        else:
            changed = {name: statement.excluded[name] for name in values.keys() - {"kind", "name"}}
            is_later = token_revocations.c.revoked_at < statement.excluded.revoked_at
            statement = statement.on_conflict_do_update(
                index_elements=key, set_=changed, where=is_later
            )
        new = self._connection.execute(statement.returning(token_revocations.c.name))
        return new.one_or_none() is not None

    def revocation_of(self, subject: str, /) -> Revocation | None:
        """Return the revocation of a subject's tokens."""
        statement = select(token_revocations).where(
            token_revocations.c.kind == Revoked.SUBJECT.value, token_revocations.c.name == subject
        )
        row = self._connection.execute(statement).one_or_none()
        return None if row is None else _revocation(row)

    def revocations(self) -> list[Revocation]:
        """Return all revocations, by time, kind and name."""
        columns = token_revocations.c
        statement = select(token_revocations)
        statement = statement.order_by(columns.revoked_at, columns.kind, columns.name)
        return [_revocation(row) for row in self._connection.execute(statement)]

    def forget_ended(self, before: datetime, /) -> None:
        """Forget the tokens that ended before an instant, and their revocations."""
        for table in (issued_tokens, token_revocations):
            self._connection.execute(delete(table).where(table.c.expires_at < before))


def _token(row: Row[Any]) -> IssuedToken:
    return IssuedToken(
        jti=row.jti,
        subject=row.subject,
        scopes=tuple(row.scopes.split()),
        customers=None if row.customers is None else tuple(json.loads(row.customers)),
        issued_at=row.issued_at,
        expires_at=row.expires_at,
    )


def _revocation(row: Row[Any]) -> Revocation:
    return Revocation(
        kind=Revoked(row.kind),
        name=row.name,
        revoked_at=row.revoked_at,
        revoked_by=row.revoked_by,
        reason=row.reason,
        expires_at=row.expires_at,
    )
