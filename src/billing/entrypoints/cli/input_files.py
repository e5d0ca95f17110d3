"""Input files: which format a file has, and its rows as a stream; `-` is standard input."""

import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import click

from billing.bootstrap import READERS

_FORMATS = {".csv": "csv", ".json": "json", ".ndjson": "ndjson", ".jsonl": "ndjson"}

FILE = click.Path(exists=True, dir_okay=False, allow_dash=True)


def format_of(file: str) -> str:
    """Return the name of a file's format by its extension; standard input is NDJSON."""
    if file == "-":
        return "ndjson"
    name = file.lower().removesuffix(".gz")
    try:
        return _FORMATS[Path(name).suffix]
    except KeyError:
        raise click.UsageError(
            f"{file} does not end in {', '.join(_FORMATS)}: say what it holds with --format."
        ) from None


@contextmanager
def rows_of(file: str, input_format: str | None = None) -> Iterator[Iterator[object]]:
    """Open a file and give its rows, as its reader yields them."""
    name = input_format or format_of(file)
    with opened(file) as stream:
        yield READERS[name](stream)


@contextmanager
def opened(file: str) -> Iterator[BinaryIO]:
    """Open the file, show how far it is read, and inflate it if its name says so."""
    if file == "-":
        yield sys.stdin.buffer
        return
    with ExitStack() as stack:
        stream: BinaryIO = stack.enter_context(Path(file).open("rb"))
        if sys.stderr.isatty():
            # Loaded for a terminal only: it takes 0.1 s.
            from billing.entrypoints.cli.progress import shown_while_read

            size = Path(file).stat().st_size
            stream = stack.enter_context(shown_while_read(stream, size, f"Reading {file}"))
        if not file.lower().endswith(".gz"):
            yield stream
            return
        try:
            yield cast(BinaryIO, stack.enter_context(gzip.open(stream)))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise click.ClickException(f"{file} is not a whole gzip file") from error
