"""Products: how a customer's SKUs are packed."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def text(length: int = 255) -> Any:
    """Text ordered by code point everywhere."""
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table of products."""
    op.create_table(
        "products",
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sku_key", text(765), nullable=False, comment="normalised"),
        sa.Column("sku", text(), nullable=False, comment="as the customer writes it"),
        sa.Column("units_per_case", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "sku_key", name="pk_products"),
    )


def downgrade() -> None:
    """Refuse: reports are permanent."""
    raise NotImplementedError("Reports are permanent: restore a backup instead.")
