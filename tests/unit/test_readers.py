"""Readers: what bulk input may look like, and what of it is refused, a row or the whole."""

import gzip
import io
import json
from typing import BinaryIO, cast

import pytest

from billing.adapters.readers import READERS
from billing.adapters.readers.csv_reader import MAX_CELL
from billing.adapters.readers.json_reader import CHUNK_BYTES, MAX_ELEMENT
from billing.adapters.readers.ndjson_reader import MAX_LINE_BYTES
from billing.domain.bulk_intake import Cells
from billing.domain.errors import InvalidValueError

BOM = b"\xef\xbb\xbf"


def read(name: str, data: bytes | str) -> list[object]:
    """Read everything; a refused row shows as the text of its refusal."""
    stream = io.BytesIO(data.encode() if isinstance(data, str) else data)
    return [
        str(row) if isinstance(row, InvalidValueError) else row for row in READERS[name](stream)
    ]


def refusal(name: str, data: bytes | str) -> str:
    """Return why the whole input is refused."""
    with pytest.raises(InvalidValueError) as refused:
        read(name, data)
    return str(refused.value)


class Trickle(io.RawIOBase):
    """A stream that gives a few bytes at a time, as a socket may."""

    def __init__(self, data: bytes, size: int) -> None:
        self._rest = data
        self._size = size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        part, self._rest = self._rest[: self._size], self._rest[self._size :]
        return part

    def readinto(self, buffer: object) -> int:
        assert isinstance(buffer, memoryview)
        part = self.read()
        buffer[: len(part)] = part
        return len(part)


class Endless(io.RawIOBase):
    """A stream of one byte for ever, which counts what was asked of it."""

    def __init__(self, start: bytes, byte: bytes) -> None:
        self._next = start
        self._byte = byte
        self.given = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        part = self._next + self._byte * (size - len(self._next))
        self._next = b""
        self.given += len(part)
        assert self.given < 64 * 1024 * 1024, "Reads without bound."
        return part

    def readinto(self, buffer: object) -> int:
        assert isinstance(buffer, memoryview)
        buffer[:] = self.read(len(buffer))
        return len(buffer)


def trickle(data: bytes, size: int) -> BinaryIO:
    """Return a stream of the data that gives `size` bytes at a time."""
    return cast(BinaryIO, Trickle(data, size))


ROWS: list[dict[str, object]] = [
    {"id": 1, "name": 'Łódź ] } \\ " ,'},
    {"id": 2, "name": "東京\n🎁", "tags": [[], {}, ["a", {"b": None}]]},
    {},
    {"id": 3, "nested": {"x": [1, 2, {"y": "]"}]}},
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
@pytest.mark.parametrize("bom", [b"", BOM])
@pytest.mark.parametrize("indent", [None, 2])
def test_a_json_array_reads_alike_however_the_stream_is_cut(
    size: int, bom: bytes, indent: int | None
) -> None:
    """Elements, texts and characters may be split anywhere between two reads."""
    data = bom + json.dumps(ROWS, ensure_ascii=False, indent=indent).encode()
    assert list(READERS["json"](trickle(data, size))) == ROWS


@pytest.mark.parametrize("size", [1, 3, 7, 64, 10_000])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_ndjson_reads_alike_however_the_stream_is_cut(size: int, end: str) -> None:
    """Lines may be split anywhere between two reads, and the last may have no end."""
    data = end.join(json.dumps(row, ensure_ascii=False) for row in ROWS).encode()
    assert list(READERS["ndjson"](trickle(data, size))) == ROWS


@pytest.mark.parametrize("size", [1, 3, 7, 64, 10_000])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_csv_reads_alike_however_the_stream_is_cut(size: int, end: str) -> None:
    """Cells and characters may be split anywhere between two reads."""
    data = end.join(["id,name", '1,"Łódź, ""x"""', "2,東京"]).encode()
    rows = list(READERS["csv"](trickle(data, size)))
    assert rows == [{"id": "1", "name": 'Łódź, "x"'}, {"id": "2", "name": "東京"}]


def test_numbers_stay_exact() -> None:
    """0.1 comes as the decimal 0.1, in both JSON formats."""
    assert repr(read("json", '[{"a": 0.1}]')) == "[{'a': Decimal('0.1')}]"
    assert repr(read("ndjson", '{"a": 1.10}')) == "[{'a': Decimal('1.10')}]"


@pytest.mark.parametrize("data", ["[]", " [ ] \n", "\ufeff[]"])
def test_an_empty_array_has_no_rows(data: str) -> None:
    """Nothing in, nothing out."""
    assert read("json", data) == []


@pytest.mark.parametrize("data", ["", "\n\n", " \r\n\n"])
def test_blank_lines_of_ndjson_are_no_rows(data: str) -> None:
    """A file may end in line ends, or be empty."""
    assert read("ndjson", data) == []


def test_an_element_that_is_no_object_goes_through() -> None:
    """Whether a row must be an object is for the intake to say, with the row's number."""
    assert read("json", '[1, "x", null, [2], 12345678901234567890]') == [
        1,
        "x",
        None,
        [2],
        12345678901234567890,
    ]
    assert read("ndjson", "1\nnull") == [1, None]


@pytest.mark.parametrize(
    "element",
    ['{"a": 1, "a": 2}', '{"a": "tab\there"}'],
)
def test_a_doubtful_element_spoils_its_own_row_only(element: str) -> None:
    """JSON whose structure holds is read on behind a row that is refused."""
    for name, data in (
        ("json", f'[{{"id": 1}}, {element}, {{"id": 3}}]'),
        ("ndjson", f'{{"id": 1}}\n{element}\n{{"id": 3}}'),
    ):
        first, refused, last = read(name, data)
        assert (first, last) == ({"id": 1}, {"id": 3})
        assert isinstance(refused, str)


def test_a_malformed_ndjson_line_spoils_its_own_row_only() -> None:
    """Lines tell rows apart, whatever is in them: no JSON, two values, no UTF-8."""
    data = b'{"id": 1}\n{"id": \n{} {}\n\xff\xfe\n\x00\n{"id": 5}'
    rows = read("ndjson", data)
    assert rows[0] == {"id": 1}
    assert rows[-1] == {"id": 5}
    assert [type(row) for row in rows[1:-1]] == [str] * 4


@pytest.mark.parametrize(
    "data",
    [
        "",
        " ",
        "{}",
        "null",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1]]",
        "[1] x",
        "[1][2]",
        '[{"a": 1]',
        '[{"a": "x}]',
        "[tru]",
        "{1]",
        '[{"id": 1},\n{"id" 2}]',
        "\x00",
    ],
)
def test_a_malformed_array_is_refused_whole(data: str) -> None:
    """Where an element cannot be told from the next, nothing behind it can be trusted."""
    assert "JSON array" in refusal("json", data)


def test_a_malformed_array_says_where() -> None:
    """The line is that of the first element that cannot be read."""
    rows = ",\n".join(['{"id": 1}'] * 15_000)
    assert refusal("json", f"[{rows},\nx]") == "Malformed JSON array at line 15001."


def test_the_rows_before_a_malformed_element_are_given_first() -> None:
    """The reader streams: what it can read does not wait for what follows."""
    rows = READERS["json"](io.BytesIO(b'[{"id": 1}, oops]'))
    assert next(rows) == {"id": 1}
    with pytest.raises(InvalidValueError):
        next(rows)


@pytest.mark.parametrize("name", ["json", "csv"])
@pytest.mark.parametrize("data", [b"\xff\xfe[\x00]\x00", b'["\xff"]', b'[1, "\xc5'])
def test_text_that_is_not_utf_8_is_refused_whole(name: str, data: bytes) -> None:
    """Another encoding is refused, never guessed."""
    assert refusal(name, data) == "Not valid UTF-8."


@pytest.mark.parametrize("name", ["json", "ndjson"])
def test_deep_nesting_and_endless_numbers_are_refusals(name: str) -> None:
    """Input made to exhaust the parser ends in a sentence, not in a crash."""
    try:
        rows = read(name, "[" * 200_000)
    except InvalidValueError:
        rows = ["refused"]
    assert [type(row) for row in rows] == [str]


def test_a_number_beyond_any_sane_size_spoils_its_field() -> None:
    """In a line it becomes what no field takes; an array, whose end it hides, is refused whole."""
    (row,) = read("ndjson", f'{{"a": {"9" * 5_000}}}')
    assert isinstance(row, dict)
    assert row["a"].is_nan()
    assert "sane size" in refusal("json", f"[{'9' * 5_000}]".encode())


def test_a_line_may_be_longer_than_a_chunk() -> None:
    """An order with thousands of items is one line."""
    row = {"id": 1, "name": "x" * 300_000}
    assert read("ndjson", f'{json.dumps(row)}\n{{"id": 2}}') == [row, {"id": 2}]


def test_an_overlong_line_spoils_its_own_row_only() -> None:
    """It is dropped as it comes in; the line behind it is read."""
    text = f'{{"id": 1, "name": "{"x" * MAX_LINE_BYTES}"}}'
    # Cut at the limit, this one would be a row of its own.
    padded = f'{{"id": 2}}{" " * MAX_LINE_BYTES}{{"id": 2}}'
    rows = read("ndjson", f'{text}\n{padded}\n{{"id": 3}}')
    assert rows == ["The line is longer than 8,388,608 bytes."] * 2 + [{"id": 3}]


def test_an_element_may_be_longer_than_a_chunk() -> None:
    """The window grows as far as one element needs."""
    rows = [{"id": number, "name": "x" * (CHUNK_BYTES * number)} for number in range(1, 5)]
    assert read("json", json.dumps(rows)) == rows


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("json", b'[{"a": "'),
        ("json", b"[["),
        ("csv", b'id,name\n1,"'),
        ("csv", b"id,name\n1,"),
        ("csv", b""),
    ],
)
def test_what_never_ends_is_refused_in_bounded_memory(name: str, start: bytes) -> None:
    """A quote, an array or a line that is never closed does not read the stream to its end."""
    with pytest.raises(InvalidValueError):
        list(READERS[name](cast(BinaryIO, Endless(start, b"x"))))
    assert MAX_CELL == MAX_ELEMENT


def test_csv_rows_are_cells_under_the_names_of_the_header() -> None:
    """Values stay text; a BOM, quotes and line ends inside of them are as RFC 4180 has them."""
    rows = read("csv", BOM + b'id , name\r\n1,"two\nlines"\r\n2," ""x"" "\r\n')
    assert rows == [{"id": "1", "name": "two\nlines"}, {"id": "2", "name": ' "x" '}]
    assert all(isinstance(row, Cells) for row in rows)


def test_blank_csv_lines_are_no_rows() -> None:
    """Neither are the empty lines that spreadsheets leave at the end."""
    assert read("csv", "id,name\n\n1,x\n\n,\n\n") == [{"id": "1", "name": "x"}]


def test_a_csv_header_alone_has_no_rows() -> None:
    """A file without rows is a file of no rows."""
    assert read("csv", "id,name") == []


def test_a_csv_row_may_be_short_and_its_extra_cells_empty() -> None:
    """Spreadsheets drop empty cells at the end, or pad with them."""
    rows = read("csv", "id,name,,\n1\n2,y,,,,\n")
    assert rows == [{"id": "1", "name": ""}, {"id": "2", "name": "y"}]


def test_a_csv_row_with_more_cells_than_the_header_spoils_itself_only() -> None:
    """A comma too much shifts cells: such a row is refused, the next is read."""
    rows = read("csv", "id,name\n1,Smith, John\n2,y\n")
    assert rows == ["More cells than the header has columns.", {"id": "2", "name": "y"}]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("", "The first line must name the columns."),
        ("\n1,x\n", "The first line must name the columns."),
        (",,\n", "The first line must name the columns."),
        ("id,name,id\n", "The header names the column id twice."),
        ("id,,name\n", "Column 2 of the header has no readable name."),
        ("id,na\x00me\n", "Column 2 of the header has no readable name."),
        ("id,na\u202eme\n", "Column 2 of the header has no readable name."),
        ("id;name\n1;x\n", "Columns must be separated by commas."),
        ("id\tname\n1\tx\n", "Columns must be separated by commas."),
        ('id,name\n1,"x"y\n', "Malformed CSV at line 2: ',' expected after '\"'."),
        ('id,name\n1,"x\n', "Malformed CSV at line 2: unexpected end of data."),
    ],
)
def test_csv_that_cannot_be_told_apart_is_refused_whole(data: str, why: str) -> None:
    """Without clear columns and quotes no row can be trusted."""
    assert refusal("csv", data) == why


def test_a_nul_in_a_csv_cell_reaches_the_field_that_refuses_it() -> None:
    """The row's own reader says what is wrong, with the row's number."""
    assert read("csv", "id,name\n1,a\x00b\n") == [{"id": "1", "name": "a\x00b"}]


def test_a_csv_cell_may_be_long() -> None:
    """Items are JSON in a cell, longer than the csv module takes by default."""
    items = json.dumps([{"sku": f"SKU-{n}", "quantity": n} for n in range(8_000)])
    quoted = items.replace('"', '""')
    assert read("csv", f'id,items\n1,"{quoted}"\n') == [{"id": "1", "items": items}]


@pytest.mark.parametrize("name", list(READERS))
def test_the_stream_stays_open(name: str) -> None:
    """Whoever opened the stream closes it."""
    stream = io.BytesIO(b"id\n1\n" if name == "csv" else b"[]")
    list(READERS[name](stream))
    assert not stream.closed


@pytest.mark.parametrize("name", list(READERS))
def test_a_reader_may_be_left_half_way(name: str) -> None:
    """Nothing complains when the stream is closed before the last row was asked for."""
    data = {"csv": b"id\n1\n2\n", "json": b"[1, 2]", "ndjson": b"1\n2\n"}[name]
    with io.BytesIO(data) as stream:
        rows = READERS[name](stream)
        assert next(rows)
    del rows


@pytest.mark.parametrize("name", list(READERS))
def test_a_gzip_stream_reads_like_any_other(name: str) -> None:
    """Readers ask a stream for nothing but `read` and what text layers need."""
    data = {"csv": b"id\n1\n2\n", "json": b"[1, 2]", "ndjson": b"1\n2\n"}[name]
    with gzip.open(io.BytesIO(gzip.compress(data))) as stream:
        assert len(list(READERS[name](cast(BinaryIO, stream)))) == 2
