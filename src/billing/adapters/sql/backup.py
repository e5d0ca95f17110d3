"""Backup: a copy of a SQLite database, made while it is in use, that is whole or not there."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine

from billing.domain.errors import InvalidValueError, StorageUnavailableError


def back_up_sqlite(engine: Engine, target: Path, *, replace: bool) -> None:
    """Copy the database to a new file: one state of it, whatever is written meanwhile.

    replace: take the place of a file that is there. Raises InvalidValueError for a target that
    cannot be one, OSError where it cannot be written.
    """
    source = Path(engine.url.database or "").resolve()
    target = target.resolve()
    if not source.is_file():  # Connecting would make an empty one.
        raise InvalidValueError(f"There is no database at {source}.")
    _check_target(source, target, replace=replace)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    # Made here, readable by its owner only: it holds all that the database does. SQLite takes an
    # empty file for a new one.
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("VACUUM INTO ?", (str(partial),))
        _check_copy(partial)
        _sync(partial)
        if replace:
            partial.replace(target)
        else:
            os.link(partial, target)  # Unlike a rename it fails where a file came up meanwhile.
    except FileExistsError:
        raise _exists(target) from None
    finally:
        partial.unlink(missing_ok=True)
    _sync(target.parent)


def _check_target(source: Path, target: Path, *, replace: bool) -> None:
    own = {source, *(source.with_name(source.name + end) for end in ("-wal", "-shm", "-journal"))}
    if target in own or (target.exists() and target.samefile(source)):
        raise InvalidValueError(f"{target} is the database itself: give another file.")
    if target.exists() and not target.is_file():
        raise InvalidValueError(f"{target} is not a file.")
    if target.exists() and not replace:
        raise _exists(target)


def _exists(target: Path) -> InvalidValueError:
    return InvalidValueError(f"{target} exists already: give another file, or say --replace.")


def _check_copy(copy: Path) -> None:
    """Read the copy from end to end: one that cannot be restored is worse than none."""
    with closing(sqlite3.connect(copy)) as connection:
        found = connection.execute("PRAGMA integrity_check").fetchone()[0]
    if found != "ok":
        raise StorageUnavailableError(f"The copy is not whole: {found}")


def _sync(path: Path) -> None:
    """Have the disk keep a file's bytes, or a folder's names, before anybody relies on them."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
