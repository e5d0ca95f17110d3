"""Request tables: the keys of requests that are done once, and the tokens that make requests."""

from typing import Any

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, String, Table, Text

from billing.adapters.sql.tables import UtcInstant, metadata
from billing.domain.fields import MAX_TEXT


def _text() -> Any:
    """Text ordered by code point on every database."""
    return String(MAX_TEXT).with_variant(String(MAX_TEXT, collation="C"), "postgresql")


idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("principal", _text(), primary_key=True),
    Column("operation", _text(), primary_key=True, comment="method and path"),
    Column("key", _text(), primary_key=True),
    Column("body_sha256", String(64), nullable=False),
    Column("report_id", ForeignKey("reports.id"), comment="null only until its transaction ends"),
    Column("created_at", UtcInstant, nullable=False),
    Index(None, "created_at"),
)

issued_tokens = Table(
    "issued_tokens",
    metadata,
    Column("jti", _text(), primary_key=True),
    Column("subject", _text(), nullable=False),
    Column("scopes", _text(), nullable=False, comment="separated by spaces"),
    Column("customers", Text, comment="JSON list of ids; null: all"),
    Column("issued_at", UtcInstant, nullable=False),
    Column("expires_at", UtcInstant, nullable=False),
    Index(None, "expires_at"),
)

token_revocations = Table(
    "token_revocations",
    metadata,
    Column("kind", String(7), primary_key=True),
    Column("name", _text(), primary_key=True, comment="the jti or the subject"),
    Column("revoked_at", UtcInstant, nullable=False),
    Column("revoked_by", _text(), nullable=False),
    Column("reason", _text()),
    Column("expires_at", UtcInstant, comment="the token's own end; null: unknown"),
    CheckConstraint("kind IN ('token', 'subject')", name="kind"),
    Index(None, "expires_at"),
)
