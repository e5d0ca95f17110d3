"""Output: where results go, and tables as text."""

import csv
import io
import os
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

import click

SPOOL_BYTES = 4 * 1024 * 1024
"""A result held in memory up to this size goes on in a temporary file."""

ROWS_ALIGNED = 500
"""Rows whose columns are aligned with each other: the widths of all would take all in memory."""

_RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r")


@contextmanager
def destination(path: str | None, *, is_text: bool = True) -> Iterator[BinaryIO]:
    """Open the place of a result: a file that appears only when it is whole, or the output."""
    if path is None or path == "-":
        out = sys.stdout.buffer
        if out.isatty() and not is_text:
            raise click.UsageError("This is no text for a terminal: use -o FILE or a pipe.")
        yield out
        out.flush()
        return
    target = Path(path).resolve()
    if target.exists() and not target.is_file():  # A device or a pipe is written to, not replaced.
        with target.open("wb") as out:
            yield out
        return
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with partial.open("xb") as out:
            yield out
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def write_lines(out: BinaryIO, lines: Iterable[str]) -> None:
    """Write lines of text."""
    out.writelines(f"{line}\n".encode() for line in lines)


def csv_line(cells: Iterable[str]) -> str:
    """Return a line of CSV."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()


def disarmed(text: str) -> str:
    """Return a text for a cell so that no spreadsheet runs it; amounts may start with a -."""
    return f"'{text}" if text.startswith(_RUN_BY_SPREADSHEETS) else text


def json_lines(texts: Iterable[str]) -> Iterator[str]:
    """Return the lines of an array of JSON texts."""
    line = "["
    for number, text in enumerate(texts):
        if number:
            yield f"{line},"
            line = ""
        line += text
    yield f"{line}]"


@contextmanager
def spooled(out: BinaryIO) -> Iterator[BinaryIO]:
    """Give a place to write to that is copied to `out` in the end.

    So nobody who reads slowly keeps a view of the storage open.
    """
    with spool_file() as spool:
        yield spool
        spool.seek(0)
        shutil.copyfileobj(spool, out)


def spool_file() -> BinaryIO:
    """Return a temporary file; it is in memory up to a size."""
    return cast("BinaryIO", SpooledTemporaryFile(max_size=SPOOL_BYTES))


def table(
    headings: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()
) -> Iterator[str]:
    """Lay rows out in columns; the columns named in `right` are aligned to the right."""
    remaining = iter(rows)
    widths = [0] * len(headings)
    block: list[Sequence[str]] = [headings, *islice(remaining, ROWS_ALIGNED)]
    while block:
        columns = zip(*block, strict=True)
        widths = [
            max(width, *map(_width, column)) for width, column in zip(widths, columns, strict=True)
        ]
        for row in block:
            cells = (
                _padded(text, width, name in right)
                for name, text, width in zip(headings, row, widths, strict=True)
            )
            yield "  ".join(cells).rstrip()
        block = list(islice(remaining, ROWS_ALIGNED))


def _padded(text: str, width: int, to_the_right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if to_the_right else text + space


def _width(text: str) -> int:
    """Return the columns that a text takes on a terminal: 東京 takes four."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
