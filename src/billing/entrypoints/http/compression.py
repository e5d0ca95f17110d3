"""Compression: answers as gzip, for clients that take it and where it pays."""

import gzip
from typing import BinaryIO

from flask import Response, request

GZIP_FROM = 16 * 1024
"""Bytes from which on it pays: less than this goes out at once, before a client can answer."""

LEVEL = 1
"""Within a quarter of the size of level 6, at a third of its time."""

BLOCK = 64 * 1024
CODING = "gzip"


def may_be_coded(media_type: str) -> bool:
    """Tell whether the coding of such an answer depends on what the client accepts."""
    return media_type.startswith(("application/json", "text/"))


def pays(media_type: str, length: int) -> bool:
    """Tell whether this request's answer should be sent as gzip."""
    accepted = request.accept_encodings
    return (
        length >= GZIP_FROM
        and may_be_coded(media_type)
        and accepted[CODING] > 0
        and accepted[CODING] >= accepted["identity"]
    )


def compressed(whole: BinaryIO, spool: BinaryIO) -> BinaryIO:
    """Write all of a file as gzip into a spool; equal input gives equal bytes. Closes the file."""
    with whole, gzip.GzipFile("", "wb", LEVEL, spool, mtime=0) as out:
        whole.seek(0)
        while block := whole.read(BLOCK):
            out.write(block)
    return spool


def say_coding(answer: Response, *, coded: bool) -> None:
    """Say which coding the answer has, and that another client may get another."""
    answer.vary.add("Accept-Encoding")
    if coded:
        answer.headers["Content-Encoding"] = CODING
