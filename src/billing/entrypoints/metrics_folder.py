"""Metrics folder: the files in which processes count, one of each kind for each process."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from billing.entrypoints.metrics import FOLDER

_PREFIX = "billing-metrics-"
_IN_MEMORY = Path("/dev/shm")  # noqa: S108 the names in it are made safely
_ENDED = 0
"""The number, in place of a process's, of the file that keeps what ended processes counted."""


@contextmanager
def counting_folder() -> Iterator[Path]:
    """Name a new folder to this process and those it starts; remove it in the end.

    Folders that killed processes left behind are removed first. One that is used is locked.
    """
    _remove_abandoned()
    folder, lock = _locked_folder()
    owner = os.getpid()
    os.environ[FOLDER] = str(folder)
    try:
        yield folder
    finally:
        if os.getpid() == owner:  # And not in a fork of it.
            del os.environ[FOLDER]
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def counted(folder: Path) -> list[Any]:
    """Return what all processes counted, ended ones too; to be called by one thread at a time."""
    _put_away(folder)
    files = [str(path) for path in _files(folder)]
    return list(_untyped("multiprocess").MultiProcessCollector.merge(files, accumulate=True))


def _place() -> Path:
    """Return where files are in memory, if there is such a place.

    Other temporary files may fill the disk: who then writes to a mapped file is killed.
    """
    if os.access(_IN_MEMORY, os.W_OK | os.X_OK):
        return _IN_MEMORY
    return Path(tempfile.gettempdir())


def _locked_folder() -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_place()))
        with suppress(FileNotFoundError):  # Before it was locked it looked like an abandoned one.
            lock = os.open(folder, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_SH)
            if folder.exists():
                return folder, lock
            os.close(lock)


def _remove_abandoned() -> None:
    for folder in _place().glob(f"{_PREFIX}*"):
        with suppress(OSError):  # Another user's, or in use.
            lock = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


def _files(folder: Path) -> list[Path]:
    """Return the files that hold anything; one that is just made, or never was, is empty."""
    return [path for path in folder.glob("*.db") if path.stat().st_size]


def _put_away(folder: Path) -> None:
    """Move what ended processes counted into one file a kind, so that files do not pile up.

    Workers on runs come and go. What an ended process held no longer counts.
    """
    ended = [path for path in _files(folder) if not _is_alive(_process(path))]
    for path in ended:
        if path.name.startswith("gauge_"):
            path.unlink()
    for kind in ("counter", "histogram"):
        paths = [path for path in ended if path.name.startswith(kind)]
        if paths:
            _add_up(paths, folder / f"{kind}_{_ENDED}.db")


def _process(path: Path) -> int:
    return int(path.stem.rpartition("_")[2])


def _is_alive(process: int) -> bool:
    if process == _ENDED:
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _add_up(paths: Sequence[Path], into: Path) -> None:
    """Add the counts in files to those of another, and remove the files."""
    files = _untyped("mmap_dict")
    read = [str(path) for path in (*paths, into) if path.exists()]
    merged = _untyped("multiprocess").MultiProcessCollector.merge(read, accumulate=False)
    kept = files.MmapedDict(str(into))
    for metric in merged:
        for sample in metric.samples:
            names, values = list(sample.labels), list(sample.labels.values())
            key = files.mmap_key(metric.name, sample.name, names, values, metric.documentation)
            kept.write_value(key, sample.value, 0.0)
    kept.close()
    for path in paths:
        path.unlink()


def _untyped(module: str) -> Any:
    """Return a module of the library whose functions ship without types."""
    return import_module(f"prometheus_client.{module}")
