"""Run tables: billing runs, and their customers as items."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from billing.adapters.sql.tables import Serial, UtcInstant, metadata, text_column

_LIVE = text("state IN ('queued', 'running')")

runs = Table(
    "runs",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("request_key", String(64), nullable=False, comment="the same for the same request"),
    Column("start_date", Date, nullable=False),
    Column("end_date", Date, nullable=False),
    Column("services", Text, comment="JSON list of ids; null: all"),
    Column("only_unbilled", Boolean, nullable=False),
    Column("finalize", Boolean, nullable=False),
    Column("author", text_column(), nullable=False, comment="who started it"),
    Column("request_id", text_column(), comment="of the call that started it"),
    Column("state", String(9), nullable=False),
    Column("created_at", UtcInstant, nullable=False),
    Column("started_at", UtcInstant),
    Column("finished_at", UtcInstant),
    CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="state"),
    # The same request twice at once makes one run.
    Index("uq_runs_live", "request_key", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
    sqlite_autoincrement=True,
)

run_items = Table(
    "run_items",
    metadata,
    Column("run_id", ForeignKey("runs.id"), primary_key=True),
    Column("customer_id", ForeignKey("customers.id"), primary_key=True, autoincrement=False),
    Column("start_date", Date, nullable=False, comment="of the run"),
    Column("end_date", Date, nullable=False, comment="of the run"),
    Column("place", Integer, nullable=False, comment="when it is taken, from 0"),
    Column("orders", BigInteger, nullable=False, comment="in the period, when it was queued"),
    Column("cards_up_to", BigInteger, nullable=False, comment="the newest card that counts"),
    Column("state", String(9), nullable=False),
    Column("attempt", Integer, nullable=False, comment="grows whenever it is taken"),
    Column("tries", Integer, nullable=False, comment="attempts since it was queued"),
    Column("leased_until", BigInteger, nullable=False, comment="ms since 1970, database clock"),
    Column("report_id", ForeignKey("reports.id")),
    Column("error", Text),
    Column("milliseconds", BigInteger, nullable=False, comment="what its last attempt took"),
    CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="state"),
    CheckConstraint("(state = 'done') = (report_id IS NOT NULL)", name="report"),
    # Overlapping runs cannot race: a customer's period is billed by one of them at a time.
    Index(
        "uq_run_items_live",
        "customer_id",
        "start_date",
        "end_date",
        unique=True,
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
    ),
    # What is to be done next; it holds only what is left to do.
    Index(
        "ix_run_items_waiting",
        "place",
        "run_id",
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
    ),
    Index("ix_run_items_live_run_id", "run_id", sqlite_where=_LIVE, postgresql_where=_LIVE),
)
