"""Billing runs and their items."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LIVE = sa.text("state IN ('queued', 'running')")
STATES = "state IN ('queued', 'running', 'done', 'failed', 'cancelled')"


def text() -> Any:
    """Text ordered by code point everywhere."""
    return sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables of runs and of their items."""
    _make_runs()
    _make_items()


def downgrade() -> None:
    """Refuse: reports are permanent."""
    raise NotImplementedError("Reports are permanent: restore a backup instead.")


def _make_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column(
            "request_key", sa.String(64), nullable=False, comment="the same for the same request"
        ),
        sa.Column("start_date", sa.Date(), nullable=False),
        sa.Column("end_date", sa.Date(), nullable=False),
        sa.Column("services", sa.Text(), comment="JSON list of ids; null: all"),
        sa.Column("only_unbilled", sa.Boolean(), nullable=False),
        sa.Column("finalize", sa.Boolean(), nullable=False),
        sa.Column("author", text(), nullable=False, comment="who started it"),
        sa.Column("request_id", text(), comment="of the call that started it"),
        sa.Column("state", sa.String(9), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(STATES, name="ck_runs_state"),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sqlite_autoincrement=True,
    )
    _index("uq_runs_live", "runs", "request_key", unique=True)


def _make_items() -> None:
    op.create_table(
        "run_items",
        sa.Column("run_id", SERIAL, nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("start_date", sa.Date(), nullable=False, comment="of the run"),
        sa.Column("end_date", sa.Date(), nullable=False, comment="of the run"),
        sa.Column("place", sa.Integer(), nullable=False, comment="when it is taken, from 0"),
        _number("orders", "in the period, when it was queued"),
        _number("cards_up_to", "the newest card that counts"),
        sa.Column("state", sa.String(9), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False, comment="grows whenever it is taken"),
        sa.Column("tries", sa.Integer(), nullable=False, comment="attempts since it was queued"),
        _number("leased_until", "ms since 1970, database clock"),
        sa.Column("report_id", SERIAL),
        sa.Column("error", sa.Text()),
        _number("milliseconds", "what its last attempt took"),
        sa.CheckConstraint(STATES, name="ck_run_items_state"),
        sa.CheckConstraint(
            "(state = 'done') = (report_id IS NOT NULL)", name="ck_run_items_report"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_items_run_id_runs"),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name="fk_run_items_customer_id_customers"
        ),
        sa.ForeignKeyConstraint(
            ["report_id"], ["reports.id"], name="fk_run_items_report_id_reports"
        ),
        sa.PrimaryKeyConstraint("run_id", "customer_id", name="pk_run_items"),
    )
    _index("uq_run_items_live", "run_items", "customer_id", "start_date", "end_date", unique=True)
    _index("ix_run_items_waiting", "run_items", "place", "run_id")
    _index("ix_run_items_live_run_id", "run_items", "run_id")


def _number(name: str, comment: str) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger(), nullable=False, comment=comment)


def _index(name: str, table: str, *columns: str, unique: bool = False) -> None:
    """Index the live rows alone."""
    op.create_index(name, table, columns, unique=unique, sqlite_where=LIVE, postgresql_where=LIVE)
