"""Body: reading queries and bodies strictly; doubtful input is refused, never guessed."""

import io
from collections.abc import Collection
from typing import IO, Any

from flask import abort, request
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from billing.domain.errors import InvalidValueError
from billing.domain.fields import shown
from billing.domain.strict_json import loads
from billing.entrypoints.http.context import current_settings
from billing.entrypoints.http.errors import answer, invalid_fields

JSON = "application/json"

BLOCK = 64 * 1024
MAX_JSON_BYTES = 8 * 1024 * 1024
"""A JSON body is read whole, so it is kept smaller than bulk bodies, which are streamed.

The largest is a rate card: 1,000 rates with their conditions and SKUs."""


def check_media_type(accepted: Collection[str]) -> str:
    """Return the body's media type; end with 415 when it is not accepted, or encoded."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("Content-Encoding is not supported: send the body as it is.")
    if request.mimetype not in accepted:
        raise UnsupportedMediaType(
            f'Unsupported media type "{shown(request.mimetype)}": use {", ".join(accepted)}.'
        )
    return request.mimetype


def json_body() -> object:
    """Return the JSON value in the body, of up to 8 MiB: decimals exact, nothing twice.

    Ends with 415 when it is not declared as JSON, 413 when it is larger, 400 when it is not JSON.
    """
    check_media_type((JSON,))
    limit = min(current_settings().max_body_bytes, MAX_JSON_BYTES)
    try:
        return loads(_stream(limit).read())
    except InvalidValueError as error:
        abort(answer(400, str(error)))


def json_object() -> dict[str, object]:
    """Return the JSON object in the body; see `json_body`."""
    value = json_body()
    if not isinstance(value, dict):
        abort(answer(400, "The body is not a JSON object."))
    return value


def has_body() -> bool:
    """Tell whether the request brought any body, be it of a length that is not said before."""
    return bool(request.content_length) or "Transfer-Encoding" in request.headers


def bulk_body(accepted: Collection[str]) -> tuple[str, IO[bytes]]:
    """Return the body's media type and the stream of its bytes, up to the largest body allowed."""
    return check_media_type(accepted), _stream(current_settings().max_body_bytes)


def query_values() -> dict[str, str]:
    """Return the query's parameters; end with 400 when one is repeated."""
    repeated = [name for name, values in request.args.lists() if len(values) > 1]
    if repeated:
        abort(invalid_fields((shown(name), "Given more than once.") for name in repeated))
    return request.args.to_dict()


def refuse_query() -> None:
    """End with 400 when there is any query parameter."""
    if request.args:
        abort(invalid_fields((shown(name), "Unknown field.") for name in request.args))


def too_large(limit: int) -> RequestEntityTooLarge:
    """Return the 413 that names the limit, in bytes."""
    megabytes = limit // (1024 * 1024)
    return RequestEntityTooLarge(f"The request body is too large: at most {megabytes} MB.")


class _Limited(io.RawIOBase):
    """A body that ends the request with 413 where it goes on past a limit.

    Werkzeug's own limit gives a truncated body to whoever reads it in one go.
    """

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self._left = limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        into = memoryview(buffer)
        data = self._stream.read(len(into))
        self._left -= len(data)
        if self._left < 0:
            raise too_large(self._limit)
        into[: len(data)] = data
        return len(data)


def _stream(limit: int) -> IO[bytes]:
    """Return the body as a stream whose reads are only short at its end."""
    return io.BufferedReader(_Limited(request.stream, limit), BLOCK)
