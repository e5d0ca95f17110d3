"""Answers: bodies that are written whole before they are sent, in bounded memory.

A body goes to a temporary file (memory, while it is small) first: its length is exact, and what
fails while rendering is an error answer, never a file cut short.
"""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from flask import Response, current_app
from werkzeug.exceptions import ServiceUnavailable

from billing.domain.explanation import Explanation
from billing.domain.strict_json import dumps
from billing.entrypoints.http import compression
from billing.entrypoints.http.edge import IN_ONE_PIECE

BLOCK = 64 * 1024
RETRY_AFTER_SECONDS = 5


class LargeAnswers:
    """Counts the large answers being sent.

    A slow reader of a large body holds a thread of the server until it has read all of it, so
    some threads are kept for everybody else.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._sending = 0
        # Reentrant: the collector may close a thrown away answer in the middle of `enter`.
        self._lock = threading.RLock()

    def check(self) -> None:
        """Refuse with 503 when no large answer could be sent now."""
        if self._sending >= self._at_once:
            raise ServiceUnavailable(
                "Too many large answers are being sent; try again shortly.",
                retry_after=RETRY_AFTER_SECONDS,
            )

    def enter(self, *, owed: bool = False) -> None:
        """Count one more; one that is owed, because its work is stored, is never refused."""
        with self._lock:
            if not owed:
                self.check()
            self._sending += 1

    def leave(self) -> None:
        """Count one less."""
        with self._lock:
            self._sending -= 1


def large_answers() -> LargeAnswers:
    """Return the running application's count."""
    made: LargeAnswers | None = current_app.extensions.get("large_answers")
    if made is None:
        limit = current_app.config["LARGE_ANSWERS_AT_ONCE"]
        made = current_app.extensions.setdefault("large_answers", LargeAnswers(limit))
    return made


def spooled_answer(
    write: Callable[[BinaryIO], object],
    media_type: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    owed: bool = False,
) -> Response:
    """Answer what `write` writes; nothing of it is sent before all of it is there."""
    spool = new_spool()
    try:
        write(spool)
        length = spool.tell()
        coded = compression.pays(media_type, length)
        if coded:
            spool = compression.compressed(spool, new_spool())
            length = spool.tell()
        spool.seek(0)
        if length > IN_ONE_PIECE:
            large = large_answers()
            large.enter(owed=owed)
            body: bytes | _Blocks = _Blocks(spool, large)
        else:
            body = spool.read()
            spool.close()
    except BaseException:
        spool.close()
        raise
    answer = Response(body, status, headers, content_type=media_type)
    answer.content_length = length
    if compression.may_be_coded(media_type):
        compression.say_coding(answer, coded=coded)
    return answer


def array_answer(texts: Iterable[str], *, headers: Mapping[str, str] | None = None) -> Response:
    """Answer a bare JSON array of entries that are JSON texts already."""
    return spooled_answer(
        lambda out: write_array((text.encode() for text in texts), out),
        "application/json",
        headers=headers,
    )


def write_array(parts: Iterable[bytes], out: BinaryIO) -> None:
    """Write a JSON array; a part is an entry's text, or those of several with commas between."""
    out.write(b"[")
    separator = b""
    for part in parts:
        out.write(separator)
        out.write(part)
        separator = b","
    out.write(b"]")


def json_answer(value: object, status: int = 200) -> Response:
    """Answer a small JSON value, its members in the order given."""
    return Response(json_text(value), status, content_type="application/json")


def json_text(value: object) -> str:
    """Write JSON as the stored documents are written: compact, every script as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def explanation_answer(explanation: Explanation, members: Sequence[str]) -> Response:
    """Answer an explanation's members in the order given, its amounts exact."""
    said = explanation.as_json()
    text = dumps({name: said[name] for name in members})
    return spooled_answer(lambda out: out.write(text.encode()), "application/json")


def new_spool() -> BinaryIO:
    """Return a file in memory that goes on in a temporary file when it grows."""
    return cast("BinaryIO", SpooledTemporaryFile(max_size=IN_ONE_PIECE))


class _Blocks:
    """A large body on its way out; however the sending ends, `close` gives everything back."""

    def __init__(self, spool: BinaryIO, large: LargeAnswers) -> None:
        self._large = large
        self._spool = spool
        self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        while block := self._spool.read(BLOCK):
            yield block
        self.close()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._spool.close()
            self._large.leave()

    def __del__(self) -> None:
        """Leave also when the answer was thrown away before it was sent."""
        self.close()
