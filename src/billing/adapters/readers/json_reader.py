"""JSON reader: the elements of one array, each read by itself."""

import json
import re
from codecs import getincrementaldecoder
from collections.abc import Iterator
from typing import BinaryIO

from billing.domain.errors import InvalidValueError
from billing.domain.strict_json import loads

MAX_ELEMENT = 8 * 1024 * 1024
"""Characters, as far as an element may reach before the input counts as malformed."""
CHUNK_BYTES = 128 * 1024

_MARK = re.compile(r"[^ \t\n\r]")
# Finds where an element ends; what it says is for the strict reader to judge.
_find = json.JSONDecoder(parse_float=len, strict=False).raw_decode


def read_json(stream: BinaryIO, /) -> Iterator[object]:
    """Yield the array's elements; one that is doubtful in itself spoils its own row only."""
    window = _Window(stream)
    if window.next_mark() != "[":
        raise InvalidValueError("Not a JSON array.")
    if window.peek_mark() == "]":
        window.next_mark()
    else:
        mark = ","
        while mark == ",":
            yield _row(window.element())
            mark = window.next_mark()
        if mark != "]":
            raise window.malformed()
    if window.peek_mark():
        raise window.malformed()


def _row(text: str) -> object:
    try:
        return loads(text)
    except InvalidValueError as error:
        return error


class _Window:
    """The part of the text that is being read; it moves along the stream."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder = getincrementaldecoder("utf-8-sig")()
        self._text = ""
        self._at = 0
        self._line = 1

    def peek_mark(self) -> str:
        """Return the next character that is no white space, or nothing at the end."""
        while (match := _MARK.search(self._text, self._at)) is None:
            self._at = len(self._text)
            if not self._more(CHUNK_BYTES):
                return ""
        self._at = match.start()
        return match[0]

    def next_mark(self) -> str:
        """Return that character and step over it."""
        mark = self.peek_mark()
        self._at += len(mark)
        return mark

    def element(self) -> str:
        """Return the text of the value that comes next and step over it."""
        self.peek_mark()
        wanted = CHUNK_BYTES
        while True:
            end = self._end()
            if end is not None and end < len(self._text):  # A number may go on behind the window.
                text = self._text[self._at : end]
                self._at = end
                return text
            if len(self._text) - self._at > MAX_ELEMENT or not self._more(wanted):
                raise self.malformed()
            wanted *= 2  # An element is tried again a few times only, however long it is.

    def malformed(self) -> InvalidValueError:
        """Return the refusal of all that follows."""
        line = self._line + self._text.count("\n", 0, self._at)
        return InvalidValueError(f"Malformed JSON array at line {line}.")

    def _end(self) -> int | None:
        try:
            return _find(self._text, self._at)[1]
        except json.JSONDecodeError:
            return None
        except RecursionError:
            raise InvalidValueError("JSON is nested too deep.") from None
        except ValueError:
            raise InvalidValueError("JSON holds a number beyond any sane size.") from None

    def _more(self, size: int) -> bool:
        """Drop what was read, take in the next part of the stream; tell whether there was one."""
        chunk = self._stream.read(size)
        try:
            new = self._decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError:
            raise InvalidValueError("Not valid UTF-8.") from None
        self._line += self._text.count("\n", 0, self._at)
        self._text = self._text[self._at :] + new
        self._at = 0
        return bool(chunk)
