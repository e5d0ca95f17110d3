"""Customers, services, orders, rate cards and reports."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def text(length: int = 255) -> Any:
    """Text of one length, ordered by code point everywhere."""
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    """Make the first tables."""
    make_catalog()
    make_orders()
    make_rate_cards()
    make_reports()
    make_report_pages()


def make_catalog() -> None:
    """Customers and services."""
    op.create_table(
        "customers",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", text(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("time_zone", text(), nullable=False),
        sa.Column("currency_fixed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_customers"),
    )
    op.create_table(
        "services",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", text(), nullable=False),
        sa.Column("description", text()),
        sa.PrimaryKeyConstraint("id", name="pk_services"),
    )


def make_orders() -> None:
    """One row an order."""
    ship_to = ("name", "company", "city", "state", "postal_code", "country")
    quantities = ("weight_lb", "volume_cuft", "packages", "line_items", "total_item_qty")
    op.create_table(
        "orders",
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("order_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reference_number", text()),
        sa.Column("order_date", sa.Date()),
        sa.Column("status", text()),
        sa.Column("carrier", text()),
        sa.Column("notes", text(10_000)),
        *(sa.Column(f"ship_to_{name}", text()) for name in ship_to),
        *(sa.Column(name, sa.BigInteger(), comment="millionths") for name in quantities),
        sa.Column("items", sa.Text(), comment='JSON: [["SKU", quantity], ...]'),
        sa.Column("charges", sa.Text(), comment="JSON: [[service_id, amount], ...]"),
        sa.PrimaryKeyConstraint("customer_id", "order_id", name="pk_orders"),
    )
    op.create_index(
        "ix_orders_customer_id_order_date_order_id",
        "orders",
        ["customer_id", "order_date", "order_id"],
    )


def make_rate_cards() -> None:
    """Cards are inserted, never changed."""
    op.create_table(
        "rate_cards",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rates", sa.Text(), nullable=False, comment="JSON, as the API shows them"),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name="fk_rate_cards_customer_id_customers"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rate_cards"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_rate_cards_customer_id_effective_from_id",
        "rate_cards",
        ["customer_id", "effective_from", "id"],
    )


def make_reports() -> None:
    """Headers of reports, with an index for every ordering of the list."""
    op.create_table(
        "reports",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_name", text(), nullable=False),
        sa.Column("start_date", sa.Date(), nullable=False),
        sa.Column("end_date", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("total_units", sa.BigInteger(), nullable=False),
        sa.Column("total_fraction", sa.Integer(), nullable=False),
        sa.Column("order_count", sa.Integer(), nullable=False),
        sa.Column("exception_count", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(5), nullable=False),
        sa.Column("services", sa.Text(), comment="JSON list of ids; null: all"),
        sa.Column(
            "service_totals", sa.Text(), nullable=False, comment="JSON, as the API shows them"
        ),
        sa.Column("letterhead", text(), nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.CheckConstraint("status IN ('draft', 'final', 'void')", name="ck_reports_status"),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name="fk_reports_customer_id_customers"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_reports"),
        sqlite_autoincrement=True,
    )
    for columns in (
        ["customer_id", "created_at", "id"],
        ["created_at", "id"],
        ["customer_name", "id"],
        ["start_date", "id"],
        ["end_date", "id"],
        ["total_units", "total_fraction", "id"],
        ["order_count", "id"],
    ):
        op.create_index(f"ix_reports_{'_'.join(columns)}", "reports", columns)


def make_report_pages() -> None:
    """The documents, compressed; written once."""
    op.create_table(
        "report_pages",
        sa.Column("report_id", SERIAL, nullable=False),
        sa.Column("section", sa.String(10), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("low_order", sa.BigInteger(), nullable=False),
        sa.Column("high_order", sa.BigInteger(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False, comment="bytes before compression"),
        sa.Column("body", sa.LargeBinary(), nullable=False, comment="raw deflate"),
        sa.ForeignKeyConstraint(
            ["report_id"], ["reports.id"], name="fk_report_pages_report_id_reports"
        ),
        sa.PrimaryKeyConstraint("report_id", "section", "number", name="pk_report_pages"),
    )
    if op.get_bind().dialect.name == "postgresql":
        # The pages are compressed already: a second compression costs time and saves nothing.
        op.execute("ALTER TABLE report_pages ALTER COLUMN body SET STORAGE EXTERNAL")


def downgrade() -> None:
    """Refuse: reports are permanent."""
    raise NotImplementedError("Reports are permanent: restore a backup instead.")
