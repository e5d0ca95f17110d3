"""JsonExporter: the report's detail, byte for byte as the API answers it."""

from typing import BinaryIO

from billing.domain.document import ReportDocument, detail_chunks
from billing.domain.report import ReportContent


class JsonExporter:
    """Copies the stored document; nothing is rendered again."""

    media_type = "application/json"

    def check(self, content: ReportContent, /) -> None:
        """Take every report: JSON has no limit."""

    def render(self, document: ReportDocument, out: BinaryIO, /) -> None:
        """Write the detail."""
        # Not writelines: a spooled file takes all of it into memory before it looks at the size.
        for chunk in detail_chunks(document):  # noqa: FURB122
            out.write(chunk)
