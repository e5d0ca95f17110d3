"""Claims of final reports, and the audit trail."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def text(length: int = 255) -> Any:
    """Text ordered by code point everywhere."""
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    """Make both tables."""
    make_claims()
    make_audit_entries()


def make_claims() -> None:
    """One row an order that a final report bills."""
    op.create_table(
        "claims",
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("order_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "order_id", name="pk_claims"),
    )
    op.create_index("ix_claims_report_id_order_id", "claims", ["report_id", "order_id"])


def make_audit_entries() -> None:
    """One row an act; added and read only."""
    op.create_table(
        "audit_entries",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", text(), nullable=False),
        sa.Column("request_id", text()),
        sa.Column("action", text(), nullable=False),
        sa.Column("object_kind", text(), nullable=False),
        sa.Column("object_id", text(), nullable=False),
        sa.Column("customer_id", sa.BigInteger()),
        sa.Column("hash_before", sa.String(64)),
        sa.Column("hash_after", sa.String(64)),
        sa.Column("details", sa.Text(), nullable=False, comment="JSON object"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entries"),
        sqlite_autoincrement=True,
    )
    for columns in (
        ["at", "id"],
        ["actor", "id"],
        ["object_kind", "object_id", "id"],
        ["customer_id", "id"],
    ):
        op.create_index(f"ix_audit_entries_{'_'.join(columns)}", "audit_entries", columns)


def downgrade() -> None:
    """Refuse: reports are permanent."""
    raise NotImplementedError("Reports are permanent: restore a backup instead.")
