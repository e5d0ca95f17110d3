"""Tables: how orders, cards and reports lie in a database.

Money in reports is two integers, whole currency units and the fraction in 10^-4 of one, both
with the amount's sign: sums and orderings are exact in SQL for every ISO 4217 currency, and no
amount within the limits overflows (one 10^-4 integer would, for yen). SQLite's NUMERIC is a float.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

from billing.domain.fields import MAX_NOTES, MAX_TEXT

FRACTION_DECIMALS = 4
"""The decimals of reports.total_fraction; no ISO 4217 currency has more."""


class UtcInstant(TypeDecorator[datetime]):
    """An aware instant: stored in UTC, returned aware. SQLite's own type drops offsets."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Convert to UTC; a naive instant is a programming error."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Return the instant in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def text_column(length: int = MAX_TEXT) -> Any:
    """Text of the length that the code checks, ordered by code point on every database."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


Serial = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

customers = Table(
    "customers",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", text_column(), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("time_zone", text_column(), nullable=False),
    Column("currency_fixed", Boolean, nullable=False),
)

services = Table(
    "services",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", text_column(), nullable=False),
    Column("description", text_column()),
)

products = Table(
    "products",
    metadata,
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    # Folding case may make a text three times as long.
    Column("sku_key", text_column(3 * MAX_TEXT), primary_key=True, comment="normalised"),
    Column("sku", text_column(), nullable=False, comment="as the customer writes it"),
    Column("units_per_case", BigInteger, nullable=False),
)

# No foreign key to customers: the intake checks them under a lock that keeps them, nothing
# deletes them, and the key's own check took 6 tenths of a bulk load's time.
orders = Table(
    "orders",
    metadata,
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("order_id", BigInteger, primary_key=True, autoincrement=False),
    Column("reference_number", text_column()),
    Column("order_date", Date),
    Column("status", text_column()),
    Column("carrier", text_column()),
    Column("notes", text_column(MAX_NOTES)),
    Column("ship_to_name", text_column()),
    Column("ship_to_company", text_column()),
    Column("ship_to_city", text_column()),
    Column("ship_to_state", text_column()),
    Column("ship_to_postal_code", text_column()),
    Column("ship_to_country", text_column()),
    Column("weight_lb", BigInteger, comment="millionths"),
    Column("volume_cuft", BigInteger, comment="millionths"),
    Column("packages", BigInteger, comment="millionths"),
    Column("line_items", BigInteger, comment="millionths"),
    Column("total_item_qty", BigInteger, comment="millionths"),
    Column("items", Text, comment='JSON: [["SKU", quantity], ...]'),
    Column("charges", Text, comment="JSON: [[service_id, amount], ...]"),
    Index(None, "customer_id", "order_date", "order_id"),
)

rate_cards = Table(
    "rate_cards",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("customer_id", ForeignKey("customers.id"), nullable=False),
    Column("effective_from", Date, nullable=False),
    Column("created_at", UtcInstant, nullable=False),
    Column("rates", Text, nullable=False, comment="JSON, as the API shows them"),
    Index(None, "customer_id", "effective_from", "id"),
    sqlite_autoincrement=True,
)

reports = Table(
    "reports",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("customer_id", ForeignKey("customers.id"), nullable=False),
    Column("customer_name", text_column(), nullable=False),
    Column("start_date", Date, nullable=False),
    Column("end_date", Date, nullable=False),
    Column("created_at", UtcInstant, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("total_units", BigInteger, nullable=False),
    Column("total_fraction", Integer, nullable=False),
    Column("order_count", Integer, nullable=False),
    Column("exception_count", Integer, nullable=False),
    Column("status", String(5), nullable=False),
    Column("services", Text, comment="JSON list of ids; null: all"),
    Column("service_totals", Text, nullable=False, comment="JSON, as the API shows them"),
    Column("letterhead", text_column(), nullable=False),
    Column("content_hash", String(64), nullable=False),
    CheckConstraint("status IN ('draft', 'final', 'void')", name="status"),
    # All that the sums by customer read: from the table they take three times as long.
    Index(
        "ix_reports_sums",
        *("customer_id", "created_at", "id", "status", "total_units", "total_fraction"),
    ),
    Index(None, "customer_id", "id"),
    Index(None, "created_at", "id"),
    Index(None, "customer_name", "id"),
    Index(None, "start_date", "id"),
    Index(None, "end_date", "id"),
    Index(None, "total_units", "total_fraction", "id"),
    Index(None, "order_count", "id"),
    sqlite_autoincrement=True,
)

report_pages = Table(
    "report_pages",
    metadata,
    Column("report_id", ForeignKey("reports.id"), primary_key=True),
    Column("section", String(10), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("entries", Integer, nullable=False),
    Column("low_order", BigInteger, nullable=False),
    Column("high_order", BigInteger, nullable=False),
    Column("length", Integer, nullable=False, comment="bytes before compression"),
    Column("body", LargeBinary, nullable=False, comment="raw deflate"),
)
