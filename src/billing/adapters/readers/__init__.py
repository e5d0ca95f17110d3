"""Readers: bulk input by format name. To add one: its module and its line in READERS.

A reader streams rows in bounded memory. It yields JSON objects as parsed (Cells for rows of
text) and InvalidValueError for a single row that cannot be read; it raises InvalidValueError
when the rest of the input cannot be told apart into rows.
"""

from collections.abc import Callable, Iterator
from typing import BinaryIO

from billing.adapters.readers.csv_reader import read_csv
from billing.adapters.readers.json_reader import read_json
from billing.adapters.readers.ndjson_reader import read_ndjson

READERS: dict[str, Callable[[BinaryIO], Iterator[object]]] = {
    "json": read_json,
    "ndjson": read_ndjson,
    "csv": read_csv,
}
