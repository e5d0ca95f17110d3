"""Report files: how a report is answered in a format, and whether it can be."""

from dataclasses import dataclass
from typing import BinaryIO

from flask import Response

from billing.domain.document import ReportDocument
from billing.domain.errors import UnknownFormatError
from billing.domain.ports import ReportExporter
from billing.domain.report import ReportContent
from billing.entrypoints.http.answers import large_answers, spooled_answer
from billing.entrypoints.http.context import billing, current_access

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


def report_answer(
    report_id: int,
    name: str,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    owed: bool = False,
) -> Response:
    """Answer a filed report in a format."""
    archive, access = billing().archive, current_access()
    return spooled_answer(
        lambda out: archive.export(report_id, name, out, access=access),
        archive.exporter(name).media_type,
        status=status,
        headers=headers,
        owed=owed,
    )
