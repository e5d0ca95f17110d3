"""ExporterContract: what every ReportExporter must do."""

import io

import pytest

from billing.adapters.memory import MemoryStorage
from billing.domain.document import ReportDocument
from billing.domain.ports import ReportExporter
from billing.domain.report_archive import ReportArchive
from billing.testing.world import ACME, JANUARY, fill, generator


class ExporterContract:
    """Provide an `exporter` fixture; its renderings are checked for what holds in any format."""

    @pytest.fixture
    def document(self) -> ReportDocument:
        """Return a small filed report."""
        storage = MemoryStorage()
        fill(storage)
        report = generator(storage).generate(ACME, JANUARY)
        return ReportArchive(storage, {}).open(report.id)

    def test_equal_documents_give_equal_bytes(
        self, exporter: ReportExporter, document: ReportDocument
    ) -> None:
        """A file is a pure function of the report: no clock, no random id."""
        assert rendered(exporter, document) == rendered(exporter, document) != b""

    def test_a_small_report_is_never_refused(
        self, exporter: ReportExporter, document: ReportDocument
    ) -> None:
        """`check` lets through what `render` can write."""
        exporter.check(document.content)

    def test_it_says_what_it_writes(self, exporter: ReportExporter) -> None:
        """The media type is a type and a subtype."""
        assert "/" in exporter.media_type


def rendered(exporter: ReportExporter, document: ReportDocument) -> bytes:
    """Return what the exporter writes."""
    out = io.BytesIO()
    exporter.render(document, out)
    return out.getvalue()
