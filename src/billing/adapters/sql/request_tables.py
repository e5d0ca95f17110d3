"""Request tables: the keys of requests that are done once, and the tokens that make requests."""

from typing import Any

from sqlalchemy import Column, ForeignKey, Index, String, Table

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
