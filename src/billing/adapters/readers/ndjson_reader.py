"""NDJSON reader: one JSON value a line; blank lines are no rows."""

from codecs import BOM_UTF8
from collections.abc import Iterator
from typing import BinaryIO

from billing.domain.errors import InvalidValueError
from billing.domain.strict_json import loads

MAX_LINE_BYTES = 8 * 1024 * 1024
CHUNK_BYTES = 128 * 1024


def read_ndjson(stream: BinaryIO, /) -> Iterator[object]:
    """Yield what each line says; a line that cannot be read spoils its own row only."""
    for lines in _lines(stream):
        for line in lines:
            try:
                row = loads(line)
            except InvalidValueError as error:
                if len(line) > MAX_LINE_BYTES:
                    yield InvalidValueError(f"The line is longer than {MAX_LINE_BYTES:,} bytes.")
                elif line and not line.isspace():
                    yield error
            else:
                yield row


def _lines(stream: BinaryIO) -> Iterator[list[bytes]]:
    """Yield the complete lines of one chunk after the other: faster than one line at a time.

    A line over the limit comes cut behind the limit, and ends in a byte that no JSON has.
    """
    started = bytearray()
    chunk = stream.read(CHUNK_BYTES).removeprefix(BOM_UTF8)
    while chunk:
        first, *others = chunk.split(b"\n")
        started += first[: MAX_LINE_BYTES + 1 - len(started)]
        if others:
            last = others.pop()
            yield [_ended(started), *others]
            started = bytearray(last)
        chunk = stream.read(CHUNK_BYTES)
    yield [_ended(started)]


def _ended(line: bytearray) -> bytes:
    if len(line) > MAX_LINE_BYTES:
        line[-1:] = b"\xff"
    return bytes(line)
