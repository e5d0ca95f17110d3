"""What a report's PDF says: its front, the totals by service, and what closes it."""

from collections.abc import Iterable
from datetime import UTC
from decimal import Decimal

from fpdf import FPDF

from billing.adapters.exporters.pdf_orders import OrderTable
from billing.adapters.exporters.pdf_page import BOTTOM, LEFT, RIGHT, TOP, Pages, Watermark
from billing.adapters.exporters.pdf_shaping import Face, Typesetter
from billing.adapters.exporters.pdf_style import (
    ACCENT,
    AMOUNT_ROOM,
    BODY,
    FAINT,
    HEADING,
    LABEL,
    LARGE,
    NOTE,
    PALE,
    ROW,
    SMALL,
    STRONG,
    TABLE_ROW,
    TITLE,
    VALUE,
)
from billing.adapters.exporters.pdf_text import cut, grouped, set_number, wrap
from billing.domain.costs import ServiceTotal
from billing.domain.document import ReportDocument
from billing.domain.report import ReportContent, ReportHeadline

_WATERMARKS = {
    "draft": Watermark("DRAFT", "0.94 g"),
    "void": Watermark("VOID", "0.985 0.91 0.9 rg"),
    "preview": Watermark("PREVIEW", "0.94 g"),
}
_COLUMNS = (LEFT, LEFT + 240, LEFT + 396)
"""Where the front's three columns start: the customer, the period, the report."""
_MOST_SERVICES_NAMED = 10


class Bill:
    """One report, drawn from the letterhead to the content hash."""

    def __init__(self, pdf: FPDF, typesetter: Typesetter, document: ReportDocument) -> None:
        self._document = document
        self._content = document.content
        self._status = _status(document.content)
        self._typesetter = typesetter
        self._pages = Pages(pdf, typesetter, _WATERMARKS.get(self._status))

    def draw(self) -> None:
        """Draw all of it and close the pages."""
        self._front()
        with self._pages.repeating(self._running_header):
            self._totals_by_service()
            table = OrderTable(self._pages, self._typesetter, self._content)
            table.draw(self._document)
            if self._status in {"draft", "preview"}:
                table.draw_exceptions(self._document)
        self._pages.y = BOTTOM - ROW  # Above the foot, where there is always room.
        self._pages.text(LEFT, f"Content hash (SHA-256): {self._content.content_hash}", SMALL)
        self._pages.close(f"{_title(self._content)} · {self._status}", SMALL)

    def _front(self) -> None:
        pages = self._pages
        self._lines(LEFT, [self._document.letterhead], TITLE, room=330, most=3, leading=21)
        bottom = pages.y
        pages.y = TOP
        pages.text_to(RIGHT, "Billing report", LARGE)
        pages.y = bottom + 21
        pages.rule(above=-9, thickness=1.2, ink=ACCENT)
        pages.y -= 30
        self._facts()
        self._total_band()
        if self._content.services is not None:
            self._lines(LEFT, [self._partial_note(self._content.services)], NOTE, room=RIGHT - LEFT)
            pages.y -= 14

    def _facts(self) -> None:
        """Draw the front's three columns, and go on below the longest."""
        content, top = self._content, self._pages.y
        bottoms = []
        start, end = content.period.start, content.period.end
        customer = (content.customer_name, [f"No. {content.customer_id}"])
        for x, room, label, (first, others) in (
            (_COLUMNS[0], 225, "CUSTOMER", customer),
            (_COLUMNS[1], 150, "PERIOD", (f"{start} \N{EN DASH} {end}", [])),
            (_COLUMNS[2], RIGHT - _COLUMNS[2], "REPORT", _report_facts(content, self._status)),
        ):
            self._pages.y = top
            self._pages.text(x, label, LABEL)
            self._pages.y -= 15
            self._lines(x, [first], VALUE, room=room)
            self._lines(x, others, BODY, room=room)
            bottoms.append(self._pages.y)
        self._pages.y = min(bottoms) - 26

    def _total_band(self) -> None:
        pages, content = self._pages, self._content
        pages.band(above=22, height=36, ink=PALE)
        pages.text(LEFT + 12, "Total", HEADING)
        orders = "1 order" if content.order_count == 1 else f"{content.order_count:,} orders"
        pages.text(LEFT + 60, orders, BODY)
        total = f"{content.currency} {grouped(f'{content.total_amount:f}')}"
        pages.text_to(RIGHT - 12, total, TITLE)
        pages.y -= 44

    def _partial_note(self, services: tuple[int, ...]) -> str:
        names = {total.service_id: total.service_name for total in self._document.service_totals}
        chosen = [names.get(service, f"service {service}") for service in services]
        if len(chosen) > _MOST_SERVICES_NAMED:
            more = len(chosen) - _MOST_SERVICES_NAMED
            chosen = [*chosen[:_MOST_SERVICES_NAMED], f"and {more} more"]
        return f"Partial report: only the chosen services are billed ({', '.join(chosen)})."

    def _totals_by_service(self) -> None:
        pages = self._pages
        pages.keep(4 * ROW)
        pages.text(LEFT, "Totals by service", HEADING)
        pages.y -= 18
        self._totals_header()
        with pages.repeating(self._totals_header):
            for total in self._document.service_totals:
                self._draw_total(total)
            pages.keep(0)
        pages.text(LEFT, "Total", STRONG)
        self._amount(self._content.total_amount, STRONG)
        pages.y -= 38

    def _draw_total(self, total: ServiceTotal) -> None:
        pages = self._pages
        room = RIGHT - LEFT - AMOUNT_ROOM - 20
        names = wrap(self._typesetter, total.service_name, BODY, room, 6)
        pages.keep((len(names) - 1) * ROW)
        pages.text(LEFT, names[0], BODY)
        self._amount(total.amount, BODY)
        for name in names[1:]:
            pages.y -= ROW
            pages.text(LEFT, name, BODY)
        pages.y -= TABLE_ROW
        pages.rule(above=TABLE_ROW - 5, thickness=0.3, ink=FAINT)

    def _amount(self, amount: Decimal, face: Face) -> None:
        setting = set_number(self._typesetter, f"{amount:f}", face, AMOUNT_ROOM)
        self._pages.show_to(RIGHT, setting, face)

    def _totals_header(self) -> None:
        self._pages.text(LEFT, "SERVICE", LABEL)
        self._pages.text_to(RIGHT, f"AMOUNT ({self._content.currency})", LABEL)
        self._pages.rule(above=-5, thickness=0.7, ink=ACCENT)
        self._pages.y -= 17

    def _running_header(self) -> None:
        """Draw what names the report on every page after the first."""
        pages, content = self._pages, self._content
        start, end = content.period.start, content.period.end
        partial = "" if content.services is None else "partial, "
        right = f"{_title(content)}, {partial}{start} to {end}"
        room = RIGHT - LEFT - self._typesetter.width(right, SMALL) - 20
        name = f"{self._document.letterhead} · {content.customer_name}"
        pages.text(LEFT, cut(self._typesetter, name, SMALL, room), SMALL)
        pages.text_to(RIGHT, right, SMALL)
        pages.rule(above=-7, thickness=0.7, ink=ACCENT)
        pages.y -= 27

    def _lines(
        self,
        x: float,
        texts: Iterable[str],
        face: Face,
        *,
        room: float,
        most: int = 6,
        leading: float = ROW,
    ) -> None:
        """Draw texts below each other, each wrapped to its room."""
        for text in texts:
            for line in wrap(self._typesetter, text, face, room, most):
                self._pages.text(x, line, face)
                self._pages.y -= leading


def _status(content: ReportContent) -> str:
    """Return the report's status; what was never filed is a preview."""
    return content.status.value if isinstance(content, ReportHeadline) else "preview"


def _title(content: ReportContent) -> str:
    number = f" {content.id}" if isinstance(content, ReportHeadline) else ""
    return f"Billing report{number}"


def _report_facts(content: ReportContent, status: str) -> tuple[str, list[str]]:
    """Return the report's number, and its status and when it was made."""
    if not isinstance(content, ReportHeadline):
        return "Preview", ["not filed"]
    made = content.created_at.astimezone(UTC).isoformat(sep=" ")[:16]
    return f"No. {content.id}", [status.capitalize(), f"{made} UTC"]
