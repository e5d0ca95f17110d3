"""`billing db`: bring the database to the newest revision, check it, or copy it."""

import os
from pathlib import Path

import click

from billing.entrypoints.cli.application import BackedUp, Migrated, opened_storage, tell_warnings
from billing.settings import Settings

_IN_MEMORY = "A database in memory has no revisions."


@click.group()
def command() -> None:
    """Upgrade, check or back up the database that BILLING_DATABASE_URL names."""


@command.command()
def upgrade() -> None:
    """Bring the database to the newest revision; safe to repeat."""
    with opened_storage(Settings.from_environ(os.environ).database_url) as storage:
        if not isinstance(storage, Migrated):
            click.echo(_IN_MEMORY, err=True)
            return
        storage.upgrade()
        click.echo("The database is at the newest revision.", err=True)


@command.command()
def check() -> None:
    """Exit with 1 unless the database answers and is at the newest revision."""
    with opened_storage(Settings.from_environ(os.environ).database_url) as storage:
        if not isinstance(storage, Migrated):
            click.echo(_IN_MEMORY, err=True)
            return
        storage.check()
        click.echo("The database is at the newest revision.", err=True)
        tell_warnings(storage)


@command.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Take the place of a FILE that is there.")
def backup(file: Path, replace: bool) -> None:
    """Copy a SQLite database to FILE, also while it is in use.

    The copy is one state of the database, checked from end to end; FILE appears when it is whole.
    """
    with opened_storage(Settings.from_environ(os.environ).database_url) as storage:
        if not isinstance(storage, BackedUp):
            raise click.ClickException("A database in memory has nothing to back up.")
        storage.back_up(file, replace=replace)
    click.echo(f"Backed up to {file}: {file.stat().st_size:,} bytes.", err=True)
