"""The order table of a report's PDF, and on a draft the table of its exceptions."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache, partial
from itertools import islice
from typing import Any

from billing.adapters.exporters.pdf_page import LEFT, RIGHT, Pages
from billing.adapters.exporters.pdf_shaping import Typesetter
from billing.adapters.exporters.pdf_style import (
    ACCENT,
    AMOUNT_ROOM,
    BODY,
    FAINT,
    HEADING,
    LABEL,
    ORDER_X,
    QUANTITY_END,
    REFERENCE_X,
    ROW,
    SMALL,
    STRONG,
    TABLE_ROW,
)
from billing.adapters.exporters.pdf_text import cut, set_number, wrap
from billing.domain.document import ReportDocument
from billing.domain.report import ReportContent, ReportException

MOST_ROWS = 500_000
"""Rows of costs in one PDF, shared among its orders: one that has more ends in a sum of the rest.

Together with the most orders this bounds the memory that rendering takes: 110 MB for usual names,
200 MB where every row is of a script that takes shaping and every reference has 255 characters.
"""
MOST_EXCEPTIONS = 1_000

_QUANTITY_ROOM = 70.0
_NAME_ROOM = QUANTITY_END - _QUANTITY_ROOM - 8 - ORDER_X
_TOGETHER = 5
"""An order of so few costs is not parted; of a longer one so many stay with its head."""
_ORDER_GAP = 6.0
_TOTAL_HEIGHT = ROW + _ORDER_GAP + 3
"""From the last cost down to the total, which never stands alone on a page."""
_USUAL_NUMBER = 12
"""An order number of so many digits ends before the reference column."""
_REASON_X, _PROBLEMS_X = LEFT + 90, LEFT + 180


class OrderTable:
    """Every order with its costs; an order's head never stands alone at the foot of a page."""

    def __init__(self, pages: Pages, typesetter: Typesetter, content: ReportContent) -> None:
        self._pages = pages
        self._typesetter = typesetter
        self._content = content
        self._most_costs = MOST_ROWS // max(content.order_count, 1)
        # Most names and many numbers come back on order after order: they are set once.
        self._name = lru_cache(maxsize=1024)(partial(_set_name, typesetter))
        self._quantity = lru_cache(maxsize=4096)(
            partial(set_number, typesetter, face=BODY, room=_QUANTITY_ROOM)
        )
        self._amount = lru_cache(maxsize=4096)(
            partial(set_number, typesetter, face=BODY, room=AMOUNT_ROOM)
        )
        self._is_first = True

    def draw(self, document: ReportDocument) -> None:
        """Draw the heading, all orders and the total below them."""
        pages = self._pages
        pages.keep(8 * ROW)
        pages.text(LEFT, "Orders", HEADING)
        pages.y -= 18
        self._header()
        with pages.repeating(self._header):
            for place, order in enumerate(document.entries("orders"), start=1):
                is_last = place == self._content.order_count
                self._draw_order(order, _TOTAL_HEIGHT if is_last else 0)
            if self._content.order_count == 0:
                pages.text(LEFT, "No order of the period is billed.", BODY)
                pages.y -= ROW + _ORDER_GAP
            pages.keep(3)  # Turns only if the document holds more orders than it says.
        pages.rule(above=ROW - 2, thickness=0.7, ink=ACCENT)
        pages.y -= 3
        pages.text(LEFT, f"Total ({self._content.currency})", STRONG)
        self._show_total(f"{self._content.total_amount:f}")
        pages.y -= 30

    def draw_exceptions(self, document: ReportDocument) -> None:
        """Draw the orders that are not, or not fully, billed; nothing if there are none."""
        exceptions = document.exceptions()
        listed = list(islice(exceptions, MOST_EXCEPTIONS))
        if not listed:
            return
        pages = self._pages
        pages.keep(5 * ROW)
        pages.text(LEFT, "Orders that are not, or not fully, billed", HEADING)
        pages.y -= 18
        self._exceptions_header()
        with pages.repeating(self._exceptions_header):
            for exception in listed:
                self._draw_exception(exception)
        more = sum(1 for _ in exceptions)
        if more:
            pages.keep(0)
            pages.text(LEFT, f"and {more:,} more, listed by the report's exceptions", BODY)
            pages.y -= ROW
        pages.y -= 12

    def _header(self) -> None:
        """Draw the names of the columns."""
        pages = self._pages
        pages.text(LEFT, "DATE", LABEL)
        pages.text(ORDER_X, "ORDER", LABEL)
        pages.text(REFERENCE_X, "REFERENCE", LABEL)
        pages.text_to(QUANTITY_END, "QUANTITY", LABEL)
        pages.text_to(RIGHT, f"AMOUNT ({self._content.currency})", LABEL)
        pages.rule(above=-5, thickness=0.7, ink=ACCENT)
        pages.y -= 18

    def _draw_order(self, order: Mapping[str, Any], below: float) -> None:
        """Draw one order. below: points to leave free under its last cost."""
        pages = self._pages
        costs = _folded(order["service_costs"], self._most_costs)
        number = str(order["order_id"])
        reference_x, reference = self._reference(number, order["reference_number"] or "")
        rows = len(reference) + min(len(costs), _TOGETHER)
        if not pages.keep((rows - 1) * ROW + below) and not self._is_first:
            pages.rule(above=ROW - 2, thickness=0.3, ink=FAINT)
        self._is_first = False
        pages.text(LEFT, order["order_date"], STRONG)
        pages.text(ORDER_X, number, STRONG)
        pages.text(reference_x, reference[0], BODY)
        self._show_total(order["total_amount"])
        pages.y -= ROW
        for line in reference[1:]:
            pages.text(reference_x, line, BODY)
            pages.y -= ROW
        for place, cost in enumerate(costs, start=1):
            if pages.keep(below if place == len(costs) else 0):
                pages.text(ORDER_X, f"{number}, continued", SMALL)
                pages.y -= ROW
            self._draw_cost(cost)
        pages.y -= _ORDER_GAP

    def _reference(self, number: str, reference: str) -> tuple[float, list[str]]:
        """Return where an order's reference starts, behind a long number too, and its lines."""
        x = REFERENCE_X
        if len(number) > _USUAL_NUMBER:
            x = max(x, ORDER_X + self._typesetter.width(number, STRONG) + 10)
        return x, wrap(self._typesetter, reference, BODY, RIGHT - AMOUNT_ROOM - x, 6)

    def _draw_cost(self, cost: Mapping[str, Any]) -> None:
        pages = self._pages
        pages.show(ORDER_X, self._name(cost["service_name"]), BODY)
        if cost.get("quantity") is not None:  # A percentage measures nothing.
            pages.show_to(QUANTITY_END, self._quantity(cost["quantity"]), BODY)
        pages.show_to(RIGHT, self._amount(cost["amount"]), BODY)
        pages.y -= ROW

    def _show_total(self, amount: str | int) -> None:
        setting = set_number(self._typesetter, amount, STRONG, AMOUNT_ROOM)
        self._pages.show_to(RIGHT, setting, STRONG)

    def _exceptions_header(self) -> None:
        self._pages.text(LEFT, "ORDER", LABEL)
        self._pages.text(_REASON_X, "REASON", LABEL)
        self._pages.text(_PROBLEMS_X, "PROBLEMS", LABEL)
        self._pages.rule(above=-5, thickness=0.7, ink=ACCENT)
        self._pages.y -= 17

    def _draw_exception(self, exception: ReportException) -> None:
        pages = self._pages
        problems = "; ".join(exception.problems)
        lines = wrap(self._typesetter, problems, BODY, RIGHT - _PROBLEMS_X, 6)
        pages.keep((len(lines) - 1) * ROW)
        pages.text(LEFT, str(exception.order_id), BODY)
        pages.text(_REASON_X, exception.reason.replace("_", " "), BODY)
        for line in lines:
            pages.text(_PROBLEMS_X, line, BODY)
            pages.y -= ROW
        pages.y -= TABLE_ROW - ROW
        pages.rule(above=TABLE_ROW - 5, thickness=0.3, ink=FAINT)


def _set_name(typesetter: Typesetter, name: str) -> str:
    return typesetter.operators(cut(typesetter, name, BODY, _NAME_ROOM), BODY)


def _folded(costs: Sequence[Mapping[str, Any]], most: int) -> Sequence[Mapping[str, Any]]:
    """Return the costs, or the first of them and one row with the sum of the rest."""
    if len(costs) <= most:
        return costs
    rest = costs[most - 1 :]
    total = sum(Decimal(cost["amount"]) for cost in rest)
    name = f"{len(rest):,} more costs, each listed in the csv and json"
    return [*costs[: most - 1], {"service_name": name, "amount": f"{total:f}"}]
