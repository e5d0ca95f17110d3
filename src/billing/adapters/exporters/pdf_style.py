"""How the PDF looks: its faces, inks and measures."""

from billing.adapters.exporters.pdf_page import LEFT, RIGHT
from billing.adapters.exporters.pdf_shaping import Face

ACCENT = "0.11 0.27 0.42 rg"
FAINT = "0.82 g"
PALE = "0.95 0.96 0.975 rg"
_DARK = "0.13 g"
_GREY = "0.42 g"

TITLE = Face(bold=True, size=16, ink=ACCENT)
LARGE = Face(bold=False, size=16, ink=_GREY)
HEADING = Face(bold=True, size=11, ink=_DARK)
VALUE = Face(bold=True, size=9.5, ink=_DARK)
LABEL = Face(bold=True, size=6.5, ink=_GREY)
STRONG = Face(bold=True, size=8.5, ink=_DARK)
BODY = Face(bold=False, size=8.5, ink=_DARK)
NOTE = Face(bold=False, size=8.5, ink=ACCENT)
SMALL = Face(bold=False, size=7, ink=_GREY)

ROW = 12.5
"""From one line of text to the next, in points."""
TABLE_ROW = 16.0
"""From one row of a ruled table to the next."""
AMOUNT_ROOM = 100.0
ORDER_X = LEFT + 62
REFERENCE_X = LEFT + 140
QUANTITY_END = RIGHT - AMOUNT_ROOM - 10
