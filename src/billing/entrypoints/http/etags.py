"""ETags: whether a client still has what a report's answer would be, without making the answer."""

import functools
import hashlib
from importlib.metadata import version

from flask import Response
from marshmallow import Schema, fields
from werkzeug.http import parse_etags

from billing.domain.ports import ReportExporter
from billing.domain.report import ReportHeadline
from billing.entrypoints.http.fields import said

REVALIDATED = {"Cache-Control": "private, no-cache", "Vary": "Authorization, Accept-Encoding"}
"""A client may keep its copy, but asks each time: the status may change, or its access end."""


class IfNoneMatchSchema(Schema):
    """What the client has already."""

    if_none_match = fields.String(
        data_key="If-None-Match",
        metadata=said("ETags of earlier answers, or `*`: 304 when one of them is still right."),
    )


def report_etag(
    headline: ReportHeadline, name: str, exporter: ReportExporter, *, coding: str = "identity"
) -> str:
    """Return the strong ETag, without quotes, of a filed report in a format and a coding.

    It changes with all that changes a byte: the content, the status, and the version of this
    program and of what the exporter renders with.
    """
    facts = (
        _program_version(),
        name,
        getattr(exporter, "edition", ""),  # Most exporters need nothing but this program.
        coding,
        headline.id,
        headline.created_at.isoformat(),
        headline.status,
        headline.content_hash,
    )
    return hashlib.sha256("\n".join(map(str, facts)).encode()).hexdigest()[:32]


def is_current(tag: str, if_none_match: str) -> bool:
    """Tell whether the header names the tag, by the weak comparison that RFC 9110 asks for."""
    return parse_etags(if_none_match).contains_weak(tag)


def not_modified(tag: str) -> Response:
    """Return the 304 of a report whose ETag is known to the client."""
    return Response(status=304, headers={"ETag": f'"{tag}"', **REVALIDATED})


@functools.cache
def _program_version() -> str:
    return version("billing")
