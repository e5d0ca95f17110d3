"""`billing db`: bring the database to the newest revision, or tell whether it is there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import click

from billing.entrypoints.cli.application import Migrated, opened_storage
from billing.settings import Settings


@click.group()
def command() -> None:
    """Upgrade or check the database that BILLING_DATABASE_URL names."""


@command.command()
def upgrade() -> None:
    """Bring the database to the newest revision; safe to repeat."""
    with _database() as database:
        if database is not None:
            database.upgrade()
            click.echo("The database is at the newest revision.", err=True)


@command.command()
def check() -> None:
    """Exit with 1 unless the database answers and is at the newest revision."""
    with _database() as database:
        if database is not None:
            database.check()
            click.echo("The database is at the newest revision.", err=True)


@contextmanager
def _database() -> Iterator[Migrated | None]:
    with opened_storage(Settings.from_environ(os.environ).database_url) as storage:
        if isinstance(storage, Migrated):
            yield storage
        else:
            click.echo("A database in memory has no revisions.", err=True)
            yield None
