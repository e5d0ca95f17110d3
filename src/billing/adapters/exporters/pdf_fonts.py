"""The fonts that ship with the PDF exporter, and which of them holds a character."""

from functools import lru_cache
from pathlib import Path

from fpdf import FPDF
from fpdf.fonts import TTFFont

FOLDER = Path(__file__).parent / "fonts"
BOX = "\N{WHITE SQUARE}"
"""Stands for a character that no font holds."""

_REGULAR = "NotoSans-Regular"
_BOLD = "NotoSans-Bold"
_SYMBOLS = "NotoSansSymbols2-Regular"
# Where to look for what the base font lacks: file, first and last code point. The first file that
# really holds the character wins, so rows may overlap; none is opened before it is needed.
_PLACES = (
    ("NotoSansArmenian-Regular", 0x0530, 0x058F),
    ("NotoSansHebrew-Regular", 0x0590, 0x05FF),
    ("NotoSansArabic-Regular", 0x0600, 0x08FF),
    ("NotoSansDevanagari-Regular", 0x0900, 0x097F),
    ("NotoSansBengali-Regular", 0x0980, 0x09FF),
    ("NotoSansGurmukhi-Regular", 0x0A00, 0x0A7F),
    ("NotoSansGujarati-Regular", 0x0A80, 0x0AFF),
    ("NotoSansOriya-Regular", 0x0B00, 0x0B7F),
    ("NotoSansTamil-Regular", 0x0B80, 0x0BFF),
    ("NotoSansTelugu-Regular", 0x0C00, 0x0C7F),
    ("NotoSansKannada-Regular", 0x0C80, 0x0CFF),
    ("NotoSansMalayalam-Regular", 0x0D00, 0x0D7F),
    ("NotoSansSinhala-Regular", 0x0D80, 0x0DFF),
    ("NotoSansThai-Regular", 0x0E00, 0x0E7F),
    ("NotoSansLao-Regular", 0x0E80, 0x0EFF),
    ("NotoSansMyanmar-Regular", 0x1000, 0x109F),
    ("NotoSansGeorgian-Regular", 0x10A0, 0x10FF),
    ("DroidSansFallback-Hangul", 0x1100, 0x11FF),
    ("NotoSansEthiopic-Regular", 0x1200, 0x139F),
    ("NotoSansKhmer-Regular", 0x1780, 0x17FF),
    ("NotoSansGeorgian-Regular", 0x1C90, 0x1CBF),
    ("NotoSansMath-Regular", 0x2190, 0x23FF),
    (_SYMBOLS, 0x25A0, 0x2BFF),
    ("NotoSansGeorgian-Regular", 0x2D00, 0x2D2F),
    ("NotoSansEthiopic-Regular", 0x2D80, 0x2DDF),
    ("DroidSansFallback-Rare", 0x2E80, 0x2FDF),
    ("DroidSansFallback-Common", 0x3000, 0x33FF),
    ("DroidSansFallback-Hangul", 0x3130, 0x318F),
    ("DroidSansFallback-Rare", 0x3400, 0x4DBF),
    ("DroidSansFallback-Common", 0x4E00, 0x9FFF),
    ("DroidSansFallback-Rare", 0x4E00, 0x9FFF),
    ("DroidSansFallback-Hangul", 0xAC00, 0xD7A3),
    ("DroidSansFallback-Rare", 0xF900, 0xFAFF),
    ("NotoSansArmenian-Regular", 0xFB13, 0xFB17),
    ("NotoSansHebrew-Regular", 0xFB1D, 0xFB4F),
    ("NotoSansArabic-Regular", 0xFB50, 0xFDFF),
    ("DroidSansFallback-Common", 0xFE30, 0xFE4F),
    ("NotoSansArabic-Regular", 0xFE70, 0xFEFC),
    ("DroidSansFallback-Common", 0xFF00, 0xFFEF),
    (_SYMBOLS, 0x1F300, 0x1F6FF),
)


class Fonts:
    """The fonts of one PDF: the two base fonts, and others from the first need on.

    pdf: has its first page open, because a font is entered into the page's resources when read.
    """

    def __init__(self, pdf: FPDF) -> None:
        self._pdf = pdf
        self._loaded: dict[str, TTFFont] = {}
        self._regular = self._load(_REGULAR)
        self._bold = self._load(_BOLD)

    def base(self, *, bold: bool) -> TTFFont:
        """Return the font of Latin, Greek and Cyrillic text."""
        return self._bold if bold else self._regular

    def symbols(self) -> TTFFont:
        """Return the font that holds the box."""
        return self._load(_SYMBOLS)

    def holding(self, character: str) -> TTFFont | None:
        """Return the font, other than the base, that holds a character; None if there is none."""
        for name in _candidates(ord(character)):
            font = self._load(name)
            if ord(character) in font.cmap:
                return font
        return None

    def close(self) -> None:
        """Close the font files, also of a PDF that was never completed."""
        for font in self._loaded.values():
            font.close()

    def _load(self, name: str) -> TTFFont:
        if name not in self._loaded:
            self._pdf.add_font(name, fname=FOLDER / f"{name}.ttf")
            self._pdf.set_font(name)
            self._pdf.text(0, 0)  # Prints nothing, but lists the font among the resources.
            font = self._pdf.fonts[name.lower()]
            assert isinstance(font, TTFFont)
            self._loaded[name] = font
        return self._loaded[name]


@lru_cache(maxsize=4096)
def _candidates(code: int) -> tuple[str, ...]:
    return tuple(name for name, first, last in _PLACES if first <= code <= last)
