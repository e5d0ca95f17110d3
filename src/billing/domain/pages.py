"""Pages: a report's document in compressed parts, spooled while it is made.

A report is three sections: its billed `orders`, the `evidence` that pricing read, and its
`exceptions`. Each is a JSON array cut into pages of about 500 entries; a page is the entries'
text joined by commas, without the brackets, so that pages copied one behind the other with
commas between are the array again.
"""

import hashlib
import zlib
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import IO, Literal, NamedTuple

Section = Literal["orders", "evidence", "exceptions"]
SECTIONS: tuple[Section, ...] = ("orders", "evidence", "exceptions")
ENTRIES_A_PAGE = 500
SPOOL_BYTES = 4 * 1024 * 1024
"""A section held in memory up to this size goes on in a temporary file."""


class Page(NamedTuple):
    """One page. number: from 1. low_order, high_order: the least and greatest order id in it.

    length: bytes before compression. body: raw deflate, ended by a full flush, so that each page
    inflates alone and pages copied one behind the other are one deflate stream.
    """

    number: int
    entries: int
    low_order: int
    high_order: int
    length: int
    body: bytes


def deflate(text: bytes) -> bytes:
    """Compress one page; level 1 is within a fifth of the size of level 6 at half its time."""
    compressor = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(text) + compressor.flush(zlib.Z_FULL_FLUSH)


def inflate(body: bytes) -> bytes:
    """Return a page's text."""
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(body)


class SectionSpool:
    """One section being written: entries in, compressed pages out, in bounded memory."""

    def __init__(self) -> None:
        self._file: IO[bytes] = SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115 closed with the spool
        self._index: list[tuple[int, int, int, int, int]] = []
        self._texts: list[str] = []
        self._ids: list[int] = []
        self._hash = hashlib.sha256(b"[")
        self._digest: str | None = None

    def add(self, order_id: int, text: str) -> None:
        """Append one entry."""
        self._texts.append(text)
        self._ids.append(order_id)
        if len(self._texts) == ENTRIES_A_PAGE:
            self._write_page()

    def finish(self) -> str:
        """Write what is left and return the SHA-256, in hex, of the whole array's text."""
        if self._texts:
            self._write_page()
        if self._digest is None:
            self._hash.update(b"]")
            self._digest = self._hash.hexdigest()
        return self._digest

    def pages(self) -> Iterator[Page]:
        """Return the pages in order, read back one at a time."""
        self._file.seek(0)
        for number, (entries, low, high, length, size) in enumerate(self._index, start=1):
            yield Page(number, entries, low, high, length, self._file.read(size))

    def close(self) -> None:
        """Give the memory or the temporary file back."""
        self._file.close()

    def _write_page(self) -> None:
        text = ",".join(self._texts).encode()
        if self._index:
            self._hash.update(b",")
        self._hash.update(text)
        body = deflate(text)
        self._file.write(body)
        self._index.append((len(self._texts), min(self._ids), max(self._ids), len(text), len(body)))
        self._texts.clear()
        self._ids.clear()
