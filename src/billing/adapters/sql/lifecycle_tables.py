"""Tables of what becomes of reports: the claims of final ones, and the audit trail."""

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from billing.adapters.sql.tables import Serial, UtcInstant, metadata, text_column

__all__ = ["audit_entries", "claims", "metadata"]

# The key is what bills an order once. No foreign keys: reports and customers are never deleted,
# and checking them for each of a million orders costs more than claiming does.
claims = Table(
    "claims",
    metadata,
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("order_id", BigInteger, primary_key=True, autoincrement=False),
    Column("report_id", BigInteger, nullable=False),
    Index(None, "report_id", "order_id"),
)

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("at", UtcInstant, nullable=False),
    Column("actor", text_column(), nullable=False),
    Column("request_id", text_column()),
    Column("action", text_column(), nullable=False),
    Column("object_kind", text_column(), nullable=False),
    Column("object_id", text_column(), nullable=False),
    Column("customer_id", BigInteger),
    Column("hash_before", String(64)),
    Column("hash_after", String(64)),
    Column("details", Text, nullable=False, comment="JSON object"),
    Index(None, "at", "id"),
    Index(None, "actor", "id"),
    Index(None, "object_kind", "object_id", "id"),
    Index(None, "customer_id", "id"),
    sqlite_autoincrement=True,
)
