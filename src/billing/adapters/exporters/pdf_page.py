"""Pages of a PDF: texts and rules at absolute positions, each page one string of operators.

The one place that writes operators of its own into fpdf2's pages: several times faster than a
call of FPDF.text() for each text. It leans on `pages[n].contents`, fonts' numbers and their
subsets, which fpdf2 does not promise to keep; hence the narrow version range of the extra.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from fpdf import FPDF

from billing.adapters.exporters.pdf_shaping import Face, Setting, Typesetter

WIDTH, HEIGHT = 595.28, 841.89
"""A4, in points."""
LEFT, RIGHT = 48.0, WIDTH - 48.0
TOP, BOTTOM = HEIGHT - 50.0, 62.0
"""Where the first and the last line of a page may stand, in points from its lower edge."""
_FOOT = 36.0
_WATERMARK_WIDTH = 500.0


class Watermark(NamedTuple):
    """A word across each page. ink: the operator that sets its colour."""

    word: str
    ink: str


class Pages:
    """The pages of one PDF, filled from the top down.

    y: the baseline of the next line, in points from the lower edge of the page.
    """

    def __init__(self, pdf: FPDF, typesetter: Typesetter, watermark: Watermark | None) -> None:
        self.typesetter = typesetter
        self.y = TOP
        self._repeated: list[Callable[[], None]] = []
        self._pdf = pdf
        self._shapes: list[str] = []
        self._texts: list[str] = []
        self._face: Face | None = None
        self._styles: dict[Face, str] = {}
        self._line = ""
        self._line_y: float | None = None
        self._behind = "" if watermark is None else self._watermark_operators(watermark)

    def keep(self, height: float) -> bool:
        """Turn the page unless so many points are left below the baseline; tell whether it did."""
        if self.y - height >= BOTTOM:
            return False
        self._turn()
        return True

    @contextmanager
    def repeating(self, draw: Callable[[], None]) -> Iterator[None]:
        """Draw something at the top of every page that is opened in this block."""
        self._repeated.append(draw)
        yield
        self._repeated.pop()

    def close(self, note: str, face: Face) -> None:
        """Finish the last page and write every page's foot: a note, and which page of how many."""
        self._finish_page()
        total = self._pdf.pages_count
        foot_note = f"1 0 0 1 {LEFT:.2f} {_FOOT} Tm {self.typesetter.operators(note, face)}"
        for number in range(1, total + 1):
            shown, width = self.typesetter.set(f"Page {number} of {total}", face)
            page_text = f"1 0 0 1 {RIGHT - width:.2f} {_FOOT} Tm {shown}"
            self._write(number, f"BT {self._style(face)} {foot_note} {page_text} ET\n")

    def text(self, x: float, text: str, face: Face) -> None:
        """Show a text from x on."""
        self.show(x, self.typesetter.operators(text, face), face)

    def text_to(self, x: float, text: str, face: Face) -> None:
        """Show a text that ends at x."""
        self.show_to(x, self.typesetter.set(text, face), face)

    def show_to(self, x: float, setting: Setting, face: Face) -> None:
        """Show a text that was set, so that it ends at x."""
        self.show(x - setting.width, setting.operators, face)

    def show(self, x: float, operators: str, face: Face) -> None:
        """Show what the typesetter made of a text in this face, from x on."""
        if face is not self._face:
            self._face = face
            self._texts.append(self._style(face))
        if self.y is not self._line_y:  # The texts of a row share the end of their matrix.
            self._line_y = self.y
            self._line = f"{self.y:.2f} Tm"
        self._texts.append(f"1 0 0 1 {x:.2f} {self._line} {operators}")

    def rule(self, above: float, thickness: float, ink: str) -> None:
        """Draw a line from margin to margin, so many points above the baseline."""
        y = self.y + above
        self._shapes.append(
            f"{ink.upper()} {thickness:g} w {LEFT:.2f} {y:.2f} m {RIGHT:.2f} {y:.2f} l S"
        )

    def band(self, above: float, height: float, ink: str) -> None:
        """Fill the whole width behind the text, down from so many points above the baseline."""
        top = self.y + above
        self._shapes.append(
            f"{ink} {LEFT:.2f} {top - height:.2f} {RIGHT - LEFT:.2f} {height:.2f} re f"
        )

    def _turn(self) -> None:
        """Finish the page and open the next one."""
        self._finish_page()
        self._pdf.add_page()
        self.y = TOP
        for draw in self._repeated:
            draw()

    def _finish_page(self) -> None:
        shapes, texts = "\n".join(self._shapes), "\n".join(self._texts)
        self._write(self._pdf.page, f"{self._behind}\n{shapes}\nBT\n{texts}\nET\n")
        self._shapes.clear()
        self._texts.clear()
        self._face = None

    def _write(self, page: int, operators: str) -> None:
        contents = self._pdf.pages[page].contents
        assert isinstance(contents, bytearray)
        contents += operators.encode("latin-1")

    def _watermark_operators(self, watermark: Watermark) -> str:
        """Return the operators of a word from corner to corner, behind all text."""
        unit = Face(bold=True, size=100, ink=watermark.ink)
        size = 100 * _WATERMARK_WIDTH / self.typesetter.width(watermark.word, unit)
        face = unit._replace(size=min(size, 170))
        width = self.typesetter.width(watermark.word, face)
        angle = math.atan2(HEIGHT, WIDTH)
        cos, sin = math.cos(angle), math.sin(angle)
        # Centred: half a width back along the line, and about half a capital below it.
        below = face.size * 0.357
        x = WIDTH / 2 - cos * width / 2 + sin * below
        y = HEIGHT / 2 - sin * width / 2 - cos * below
        matrix = f"{cos:.5f} {sin:.5f} {-sin:.5f} {cos:.5f} {x:.2f} {y:.2f} Tm"
        shown = self.typesetter.operators(watermark.word, face)
        return f"BT {self._style(face)} {matrix} {shown} ET"

    def _style(self, face: Face) -> str:
        if face not in self._styles:
            self._styles[face] = f"{self.typesetter.font_operator(face)} {face.ink}"
        return self._styles[face]
