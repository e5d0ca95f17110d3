"""PdfExporter: a report as a document that a customer can be sent."""

from contextlib import closing
from datetime import UTC, datetime, time
from typing import BinaryIO

import uharfbuzz
from fpdf import FPDF, FPDF_VERSION
from fpdf.output import OutputProducer

from billing.adapters.exporters.pdf_bill import Bill
from billing.adapters.exporters.pdf_fonts import Fonts
from billing.adapters.exporters.pdf_page import HEIGHT, WIDTH
from billing.adapters.exporters.pdf_shaping import Typesetter
from billing.domain.document import ReportDocument
from billing.domain.errors import ReportTooLargeError
from billing.domain.report import ReportContent, ReportHeadline

MOST_ORDERS = 20_000
"""The orders that one PDF holds: its pages stay in memory until it is complete."""


class PdfExporter:
    """Prints a report on A4 pages; equal reports give equal bytes."""

    media_type = "application/pdf"
    edition = f"fpdf2 {FPDF_VERSION}, uharfbuzz {uharfbuzz.__version__}"

    def check(self, content: ReportContent, /) -> None:
        """Refuse what would take too much memory; anything else prints, whatever it holds."""
        if content.order_count > MOST_ORDERS:
            raise ReportTooLargeError(
                f"A PDF holds at most {MOST_ORDERS:,} orders and this report has"
                f" {content.order_count:,}: take it as csv or json, or bill a shorter period"
            )

    def render(self, document: ReportDocument, out: BinaryIO, /) -> None:
        """Write the PDF."""
        self.check(document.content)
        pdf = _new_pdf(document)
        with closing(Fonts(pdf)) as fonts:
            Bill(pdf, Typesetter(fonts), document).draw()
            pdf.output(out, output_producer_class=_Producer)


class _Producer(OutputProducer):
    """fpdf2's producer, without the cycles that keep a finished PDF until the collector comes."""

    def bufferize(self) -> bytearray:
        buffer = super().bufferize()
        self.pdf_objs.clear()
        for page in self.fpdf.pages.values():
            page.contents = bytearray()
        return buffer


def _new_pdf(document: ReportDocument) -> FPDF:
    """Return a PDF with its first page open, and nothing in it that differs between two runs."""
    content = document.content
    pdf = FPDF(unit="pt", format=(WIDTH, HEIGHT))
    pdf.set_auto_page_break(auto=False)
    pdf.single_resources_object = True  # All pages use the same fonts.
    name = f" {content.id}" if isinstance(content, ReportHeadline) else " preview"
    pdf.set_title(_storable(f"Billing report{name}, {content.customer_name}"))
    pdf.set_author(_storable(document.letterhead))
    pdf.set_creator("billing")
    pdf.set_lang("en")
    pdf.set_creation_date(_made_at(content))
    pdf.add_page()
    return pdf


def _made_at(content: ReportContent) -> datetime:
    """Return when the report was filed; a preview, which never was, takes the period's end."""
    if isinstance(content, ReportHeadline):
        return content.created_at.astimezone(UTC)
    return datetime.combine(content.period.end, time(), UTC)


def _storable(text: str) -> str:
    """Return a text without what the PDF's properties cannot hold: lone surrogates."""
    return text.encode("utf-8", "replace").decode()
