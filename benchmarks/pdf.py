"""PDF: the product's pages beside reportlab's canvas, which draws the same texts and rules."""

import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from importlib.util import find_spec
from io import BytesIO
from typing import Any

from benchmarks import works
from benchmarks.measuring import Result, Timing, in_turns
from benchmarks.names import PDF_PAGE, PRODUCT
from benchmarks.worlds import REPORT, World
from billing.adapters.exporters.pdf_fonts import FOLDER
from billing.adapters.exporters.pdf_page import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH
from billing.adapters.exporters.pdf_style import ORDER_X, QUANTITY_END, REFERENCE_X, ROW

_PAGE = re.compile(rb"/Type\s*/Page\b")
_REGULAR, _BOLD = "NotoSans-Regular", "NotoSans-Bold"
_ORDER_GAP = 6.0

Order = Mapping[str, Any]


def measure(small: World, world: World, repetitions: int) -> Result:
    """Measure what one page takes of a report of a few hundred pages, and the whole's memory.

    The product also reads the report; the floor has it in memory.
    """
    memory = works.measure_memory(PDF_PAGE, small, world)
    with ExitStack() as stack:
        app = stack.enter_context(world.loaded.product())
        document = app.archive.open(REPORT)
        product = partial(_rendered, app, REPORT)
        contenders = {PRODUCT: works.ready(product)}
        pages = {PRODUCT: _pages(product())}
        if find_spec("reportlab"):
            floor = partial(draw, list(document.entries("orders")))
            contenders["reportlab"] = works.ready(floor)
            pages["reportlab"] = _pages(floor())
        samples = {
            name: [Timing(wall / pages[name], cpu / pages[name]) for wall, cpu in timings]
            for name, timings in in_turns(repetitions, contenders).items()
        }
    return Result(PDF_PAGE, world.loaded.kind, pages[PRODUCT], samples, memory.extra)


def _rendered(app: Any, report_id: int) -> bytes:
    out = BytesIO()
    app.archive.export(report_id, "pdf", out)
    return out.getvalue()


def _pages(pdf: bytes) -> int:
    return len(_PAGE.findall(pdf))


def draw(orders: Sequence[Order]) -> bytes:
    """Draw the order table as the product does: its places, sizes, fonts, headers and feet."""
    from reportlab import rl_config
    from reportlab.pdfbase.pdfmetrics import registerFont
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.pdfgen.canvas import Canvas

    rl_config.useA85 = 0  # A fifth faster than its default.
    for name in (_REGULAR, _BOLD):
        registerFont(TTFont(name, str(FOLDER / f"{name}.ttf")))
    out = BytesIO()
    table = _Table(Canvas(out, pagesize=(WIDTH, HEIGHT), pageCompression=1))
    for order in orders:
        table.draw(order)
    table.close()
    return out.getvalue()


class _Table:
    """The order table, page after page."""

    def __init__(self, canvas: Any) -> None:
        self._canvas = canvas
        self._page = 0
        self._open_page()

    def draw(self, order: Order) -> None:
        costs = order["service_costs"]
        if self._y - len(costs[:5]) * ROW < BOTTOM:
            self._turn()
        else:
            self._rule(ROW - 2, 0.3)
        self._font(_BOLD, 8.5)
        self._text(LEFT, order["order_date"])
        self._text(ORDER_X, str(order["order_id"]))
        self._text_to(RIGHT, order["total_amount"])
        self._font(_REGULAR, 8.5)
        self._text(REFERENCE_X + 20, order["reference_number"])
        self._y -= ROW
        for cost in costs:
            if self._y < BOTTOM:
                self._turn()
                self._font(_REGULAR, 8.5)
            self._text(ORDER_X, cost["service_name"])
            self._text_to(QUANTITY_END, f"{cost['quantity']:,}")
            self._text_to(RIGHT, cost["amount"])
            self._y -= ROW
        self._y -= _ORDER_GAP

    def close(self) -> None:
        self._close_page()
        self._canvas.save()

    def _turn(self) -> None:
        self._close_page()
        self._open_page()

    def _open_page(self) -> None:
        self._page += 1
        canvas = self._canvas
        canvas.saveState()
        canvas.setFillGray(0.94)
        canvas.setFont(_BOLD, 150)
        canvas.translate(WIDTH / 2, HEIGHT / 2)
        canvas.rotate(54.7)
        canvas.drawCentredString(0, -50, "DRAFT")
        canvas.restoreState()
        self._y = TOP
        self._font(_REGULAR, 7)
        self._text(LEFT, "Billing · Corner Stores")
        self._text_to(RIGHT, "Billing report 1, 2017-01-01 to 2017-12-31")
        self._rule(-7, 0.7)
        self._y -= 27
        self._font(_BOLD, 6.5)
        for x, label in ((LEFT, "DATE"), (ORDER_X, "ORDER"), (REFERENCE_X, "REFERENCE")):
            self._text(x, label)
        self._text_to(QUANTITY_END, "QUANTITY")
        self._text_to(RIGHT, "AMOUNT (USD)")
        self._rule(-5, 0.7)
        self._y -= 18

    def _close_page(self) -> None:
        self._y = 36.0
        self._font(_REGULAR, 7)
        self._text(LEFT, "Billing report 1 · draft")
        self._text_to(RIGHT, f"Page {self._page} of {self._page}")
        self._canvas.showPage()

    def _font(self, name: str, size: float) -> None:
        self._canvas.setFont(name, size)

    def _text(self, x: float, text: str) -> None:
        self._canvas.drawString(x, self._y, text)

    def _text_to(self, x: float, text: str) -> None:
        self._canvas.drawRightString(x, self._y, text)

    def _rule(self, above: float, thickness: float) -> None:
        self._canvas.setLineWidth(thickness)
        self._canvas.line(LEFT, self._y + above, RIGHT, self._y + above)
