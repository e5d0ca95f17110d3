"""The index of a customer's reports holds what their sums are made of."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index, and drop the one that it begins with."""
    op.create_index(
        "ix_reports_sums",
        "reports",
        ["customer_id", "created_at", "id", "status", "total_units", "total_fraction"],
    )
    op.drop_index("ix_reports_customer_id_created_at_id", "reports")


def downgrade() -> None:
    """Refuse: reports are permanent."""
    raise NotImplementedError("Reports are permanent: restore a backup instead.")
