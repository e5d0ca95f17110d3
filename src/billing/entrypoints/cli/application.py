"""The application of a command: composed from the environment, on a database that is ready."""

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, runtime_checkable

import click

from billing.bootstrap import Billing, compose, open_storage
from billing.domain.audit import Author
from billing.domain.errors import StorageUnavailableError
from billing.domain.ports import Storage
from billing.settings import Settings

UNREACHABLE = (
    "BILLING_DATABASE_URL: no database answers there; it takes sqlite:///FILE, a file that can be "
    "written, or postgresql+psycopg://USER@HOST/NAME of a server that runs"
)


@runtime_checkable
class Migrated(Protocol):
    """A storage with a schema of its own; memory has none."""

    @property
    def is_embedded(self) -> bool:
        """Tell whether the database belongs to this application, which then migrates it."""

    def check(self) -> None:
        """Raise StorageUnavailableError unless the database answers and is migrated."""

    def upgrade(self) -> None:
        """Bring the database to the newest revision."""

    def close(self) -> None:
        """Close every connection."""


@runtime_checkable
class BackedUp(Protocol):
    """A storage that can be copied while it is in use."""

    def back_up(self, target: Path, /, *, replace: bool) -> None:
        """Copy the database to a file, whole, or raise a refusal that says how it is done."""


def tell_warnings(storage: Storage) -> None:
    """Say what makes a database lose what it acknowledged; a storage may have nothing to say."""
    for warning in getattr(storage, "warnings", list)():
        click.echo(f"Warning: {warning}.", err=True)


@contextmanager
def application() -> Iterator[Billing]:
    """Give a command the application; an embedder or a test hands its own to click as `obj`."""
    given = click.get_current_context().find_object(Billing)
    if given is not None:
        yield given
        return
    settings = Settings.from_environ(os.environ)
    with opened_storage(settings.database_url) as storage:
        make_ready(storage)
        yield compose(storage, letterhead=settings.letterhead, queue=settings.queue_url)


def operator() -> Author:
    """Return whoever sits at the command line, as the system knows them.

    The prefix tells them from the users that tokens name.
    """
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # No such variable, and no such user.
        name = str(os.getuid())
    return Author(f"os-user:{name}")


@contextmanager
def opened_storage(url: str) -> Iterator[Storage]:
    """Open a storage and close its connections in the end."""
    try:
        storage = open_storage(url)
    except OSError as error:
        raise StorageUnavailableError(UNREACHABLE) from error
    try:
        yield storage
    finally:
        if isinstance(storage, Migrated):
            storage.close()


def make_ready(storage: Storage) -> None:
    """Migrate a database that is a file of this application; of any other ask that it is."""
    if not isinstance(storage, Migrated):
        click.echo("The database is in memory: nothing outlives this command.", err=True)
        return
    try:
        storage.check()
    except StorageUnavailableError as error:
        if error.__cause__ is not None:  # The database itself failed; it is not just behind.
            raise StorageUnavailableError(UNREACHABLE) from error
        if not storage.is_embedded:
            raise
        storage.upgrade()
