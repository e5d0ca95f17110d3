"""Which way a text runs: its pieces of one font and one direction, in the order they print."""

import unicodedata
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from fpdf.bidi import BidiParagraph
from fpdf.fonts import TTFFont

from billing.adapters.exporters.pdf_fonts import BOX, Fonts


class Run(NamedTuple):
    """Neighbouring characters of one font and one direction. level: odd from right to left."""

    level: int
    font: TTFFont
    text: str


def runs_as_printed(text: str, base: TTFFont, fonts: Fonts) -> list[Run]:
    """Cut a text where its direction or its font changes; the runs come from left to right."""
    placed: list[Run] = []
    font = base
    for level, character in _levels(unicodedata.normalize("NFC", text)):
        font, shown = _font_of(character, font, base, fonts)
        placed.append(Run(level, font, shown))
    runs = [
        Run(level, run_font, "".join(run.text for run in group))
        for (level, run_font), group in groupby(placed, key=lambda run: run[:2])
    ]
    return _visual_order(runs)


def _visual_order(runs: list[Run]) -> list[Run]:
    """Order runs from left to right: rule L2 of the bidirectional algorithm."""
    ordered = runs
    for level in range(max((run.level for run in runs), default=0), 0, -1):
        turned: list[Run] = []
        for is_deeper, group in groupby(ordered, key=lambda run: run.level >= level):
            part = list(group)
            turned.extend(reversed(part) if is_deeper else part)
        ordered = turned
    return ordered


def _font_of(character: str, current: TTFFont, base: TTFFont, fonts: Fonts) -> tuple[TTFFont, str]:
    """Return the font to print a character in, and what to print of it."""
    code = ord(character)
    if _is_invisible(character) or (code in current.cmap and _goes_along(character)):
        return current, character
    if code in base.cmap:
        return base, character
    font = fonts.holding(character)
    return (font, character) if font else (fonts.symbols(), BOX)


def _levels(text: str) -> Iterator[tuple[int, str]]:
    """Return every character with its embedding level, in logical order."""
    if not any(unicodedata.bidirectional(character) in {"R", "AL", "AN"} for character in text):
        return ((0, character) for character in text)
    return _bidi_levels(text)


def _bidi_levels(text: str) -> Iterator[tuple[int, str]]:
    paragraph = BidiParagraph(text, preserve_bn_chars=True)
    level = paragraph.base_embedding_level
    for placed in paragraph.get_characters_with_embedding_level():
        if placed.original_bidi_class != "BN":  # A joiner goes with the letter before it.
            level = placed.embedding_level
        yield level, placed.character


def _is_invisible(character: str) -> bool:
    """Tell joiners, selectors and the like, which shaping hides, from what must be seen."""
    return (
        unicodedata.category(character) == "Cf"
        or "\ufe00" <= character <= "\ufe0f"
        or "\U000e0000" <= character <= "\U000e0fff"
    )


def _goes_along(character: str) -> bool:
    """Tell marks, spaces and punctuation: they stay in the font of what they belong to."""
    return unicodedata.category(character)[0] in "MZP"
