"""Idempotency-Key: the header that makes a call safe to repeat, read and documented."""

import re
from functools import partial

from flask import request
from marshmallow import Schema

from billing.domain.errors import InvalidValueError
from billing.domain.idempotency import KeyedRequest, body_sha256
from billing.entrypoints.http.body import json_read
from billing.entrypoints.http.context import current_caller
from billing.entrypoints.http.fields import StrictField, said

NAME = "Idempotency-Key"
MAX_KEY = 255

_INVALID = (
    f"Give one key of 1 to {MAX_KEY} visible ASCII characters; "
    'one with a comma, or a " at its start, takes quotes.'
)
# A server hands on a header that was sent twice as one, joined by a comma: outside of quotes a
# comma is that, and which of the keys was meant nobody knows.
_BARE = r"[!#-+\--~][!-+\--~]{0,254}"
_QUOTED = r'"([!#-\[\]-~]|\\["\\]){1,255}"'
_FORM = re.compile(f"(?P<bare>{_BARE})|(?P<quoted>{_QUOTED})", re.ASCII)
_ESCAPED = re.compile(r"\\(.)")


def read_key(value: str) -> str:
    """Return the key, given bare or as an RFC 8941 string: `abc` and `"abc"` are one key."""
    form = _FORM.fullmatch(value.strip(" \t"))
    if form is None:
        raise InvalidValueError(_INVALID)
    return form["bare"] or _ESCAPED.sub(r"\1", form["quoted"][1:-1])


Key = partial(StrictField, read_key, {"type": "string", "pattern": f"^({_BARE}|{_QUOTED})$"})


class IdempotencySchema(Schema):
    """The key under which a call is done once."""

    idempotency_key = Key(
        data_key=NAME,
        metadata=said(
            f"Makes the call safe to repeat: the same key and an equal body answer the report "
            f"that the first call made, as it stands now. 1 to {MAX_KEY} visible ASCII "
            "characters, bare or in quotes. Remembered for at least 24 hours, for each user, "
            "once the call has succeeded."
        ),
    )


def keyed_request(key: str) -> KeyedRequest:
    """Return the present request as one that is to be done once under this key."""
    return KeyedRequest(
        current_caller().subject, f"{request.method} {request.path}", key, body_sha256(json_read())
    )
