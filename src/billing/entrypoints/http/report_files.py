"""Report files: how a report is answered in a format, and whether it can be."""

from dataclasses import dataclass
from typing import BinaryIO

from flask import Response

from billing.domain.document import ReportDocument
from billing.domain.errors import UnknownFormatError
from billing.domain.ports import ReportExporter
from billing.domain.report import ReportContent, ReportHeadline
from billing.entrypoints.http.answers import large_answers, spooled_answer
from billing.entrypoints.http.compression import CODING
from billing.entrypoints.http.context import billing, current_access
from billing.entrypoints.http.etags import REVALIDATED, is_current, not_modified, report_etag

MANY_ORDERS = 2_000
"""Orders from which on a report's answer is expected to be a large one."""

CSV_FILE = {"type": "string"}
PDF_FILE = {"type": "string", "format": "binary"}


@dataclass(frozen=True, slots=True)
class Answerable:
    """An exporter that is also asked, before anything is stored, whether there is room to answer.

    Without it a report could be filed and its answer refused: the caller would bill twice.
    """

    exporter: ReportExporter

    @property
    def media_type(self) -> str:
        return self.exporter.media_type

    def check(self, content: ReportContent, /) -> None:
        """Refuse what the exporter refuses, and a large report while there is no room for it."""
        self.exporter.check(content)
        if content.order_count >= MANY_ORDERS:
            large_answers().check()

    def render(self, document: ReportDocument, out: BinaryIO, /) -> None:
        """Write the file."""
        self.exporter.render(document, out)


def output_exporter(output_format: str | None) -> tuple[str, Answerable]:
    """Return the name that a file of an output format ends in, and the format's exporter.

    `dict`, or none, is JSON. Raises UnknownFormatError in the words of output formats.
    """
    name = "json" if output_format in (None, "dict") else str(output_format)
    try:
        return name, Answerable(billing().archive.exporter(name))
    except UnknownFormatError:
        raise UnknownFormatError(name, of="output format") from None


def attachment(name: str, extension: str) -> dict[str, str]:
    """Name a file without anything that users typed: it must not get into a header."""
    return {"Content-Disposition": f'attachment; filename="billing_{name}.{extension}"'}


def filed_answer(
    report_id: int,
    name: str,
    headers: dict[str, str] | None = None,
    *,
    status: int = 201,
    owed: bool = False,
) -> Response:
    """Answer a write with the report that it filed or moved, in a format.

    Its ETag is that of the detail, which is what the Location leads to.
    """
    answer, headline = _rendered(report_id, name, status, headers or {}, owed=owed)
    tag = report_etag(headline, "json", billing().archive.exporter("json"))
    answer.headers["ETag"] = f'"{tag}"'
    return answer


def report_answer(
    report_id: int, name: str, if_none_match: str, headers: dict[str, str] | None = None
) -> Response:
    """Answer a filed report in a format; 304, from its headline alone, to those who have it."""
    archive = billing().archive
    exporter = archive.exporter(name)
    if if_none_match:
        headline = archive.headline(report_id, access=current_access())
        exporter.check(headline)
        for coding in ("identity", CODING):
            tag = report_etag(headline, name, exporter, coding=coding)
            if is_current(tag, if_none_match):
                return not_modified(tag)
    answer, headline = _rendered(report_id, name, 200, {**(headers or {}), **REVALIDATED})
    # Of what was rendered, not of what was looked up: the status may have changed in between.
    coding = answer.headers.get("Content-Encoding", "identity")
    answer.headers["ETag"] = f'"{report_etag(headline, name, exporter, coding=coding)}"'
    return answer


def _rendered(
    report_id: int, name: str, status: int, headers: dict[str, str], *, owed: bool = False
) -> tuple[Response, ReportHeadline]:
    archive, access = billing().archive, current_access()
    documents: list[ReportDocument] = []

    def write(out: BinaryIO) -> None:
        documents.append(archive.export(report_id, name, out, access=access))

    media_type = archive.exporter(name).media_type
    answer = spooled_answer(write, media_type, status=status, headers=headers, owed=owed)
    headline = documents[0].content
    assert isinstance(headline, ReportHeadline)  # What the archive exports is filed.
    return answer, headline
