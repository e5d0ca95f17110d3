"""CSV reader: rows of text under the names of a header row, RFC 4180 with either line end."""

import csv
from collections import Counter
from collections.abc import Iterator
from io import TextIOWrapper
from itertools import zip_longest
from typing import BinaryIO

from billing.domain.bulk_intake import Cells
from billing.domain.errors import InvalidValueError
from billing.domain.fields import shown

MAX_CELL = 8 * 1024 * 1024
"""Characters: items and charges are JSON in a cell, far past the csv module's 131,072."""

csv.field_size_limit(MAX_CELL)


def read_csv(stream: BinaryIO, /) -> Iterator[object]:
    """Yield a row as Cells; one with more cells than the header has names spoils itself only.

    A row may have fewer cells: spreadsheets leave empty ones out at the end. A row without any
    text is no row. Quotes out of place are refused, for nobody can tell where such a row ends.
    """
    text = TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    rows = csv.reader(_lines(text), strict=True)
    try:
        header = _header(next(rows, []))
        for row in rows:
            if len(row) > len(header) and any(row[len(header) :]):
                yield InvalidValueError("More cells than the header has columns.")
            elif any(row):
                yield Cells(zip_longest(header, row[: len(header)], fillvalue=""))
    except csv.Error as error:
        raise InvalidValueError(f"Malformed CSV at line {rows.line_num}: {error}.") from None
    except UnicodeDecodeError:
        raise InvalidValueError("Not valid UTF-8.") from None
    finally:
        if not stream.closed:
            text.detach()  # The stream is the caller's to close.


def _lines(text: TextIOWrapper) -> Iterator[str]:
    while line := text.readline(MAX_CELL):
        if len(line) == MAX_CELL:
            raise csv.Error(f"longer than {MAX_CELL:,} characters")
        yield line


def _header(row: list[str]) -> list[str]:
    names = [name.strip() for name in row]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise InvalidValueError("The first line must name the columns.")
    if len(names) == 1 and not {";", "\t"}.isdisjoint(names[0]):
        raise InvalidValueError("Columns must be separated by commas.")
    for number, name in enumerate(names, start=1):
        if not name.isprintable() or not name:
            raise InvalidValueError(f"Column {number} of the header has no readable name.")
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise InvalidValueError(f"The header names the column {shown(name)} twice.")
    return names
