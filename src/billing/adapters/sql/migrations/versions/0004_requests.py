"""Requests: the keys of those that are done once."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None

REPORT_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def text() -> Any:
    """Text ordered by code point everywhere."""
    return sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "idempotency_keys",
        sa.Column("principal", text(), nullable=False),
        sa.Column("operation", text(), nullable=False, comment="method and path"),
        sa.Column("key", text(), nullable=False),
        sa.Column("body_sha256", sa.String(64), nullable=False),
        sa.Column("report_id", REPORT_ID, comment="null only until its transaction ends"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["report_id"], ["reports.id"], name="fk_idempotency_keys_report_id_reports"
        ),
        sa.PrimaryKeyConstraint("principal", "operation", "key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])


def downgrade() -> None:
    """Refuse: reports are permanent."""
    raise NotImplementedError("Reports are permanent: restore a backup instead.")
