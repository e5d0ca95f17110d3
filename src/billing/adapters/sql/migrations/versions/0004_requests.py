"""Requests: the keys of those that are done once, and the tokens that make them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

REPORT_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def text() -> Any:
    """Text ordered by code point everywhere."""
    return sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    make_idempotency_keys()
    make_tokens()


def make_idempotency_keys() -> None:
    """One row a request that was done."""
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


def make_tokens() -> None:
    """What was issued, and what no longer counts."""
    op.create_table(
        "issued_tokens",
        sa.Column("jti", text(), nullable=False),
        sa.Column("subject", text(), nullable=False),
        sa.Column("scopes", text(), nullable=False, comment="separated by spaces"),
        sa.Column("customers", sa.Text(), comment="JSON list of ids; null: all"),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("jti", name="pk_issued_tokens"),
    )
    op.create_index("ix_issued_tokens_expires_at", "issued_tokens", ["expires_at"])
    op.create_table(
        "token_revocations",
        sa.Column("kind", sa.String(7), nullable=False),
        sa.Column("name", text(), nullable=False, comment="the jti or the subject"),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_by", text(), nullable=False),
        sa.Column("reason", text()),
        sa.Column(
            "expires_at",
            sa.DateTime(timezone=True),
            comment="the token's own end; null: unknown",
        ),
        sa.CheckConstraint("kind IN ('token', 'subject')", name="ck_token_revocations_kind"),
        sa.PrimaryKeyConstraint("kind", "name", name="pk_token_revocations"),
    )
    op.create_index("ix_token_revocations_expires_at", "token_revocations", ["expires_at"])


def downgrade() -> None:
    """Refuse: reports are permanent."""
    raise NotImplementedError("Reports are permanent: restore a backup instead.")
