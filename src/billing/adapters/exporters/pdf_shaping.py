"""How a text becomes the operators that show it."""

import unicodedata
from typing import Any, NamedTuple

import uharfbuzz as hb
from fpdf.fonts import TTFFont

from billing.adapters.exporters.pdf_fonts import Fonts
from billing.adapters.exporters.pdf_runs import Run, runs_as_printed

_EM = 1000
"""A font's widths are thousandths of its size."""
_MOST_KEPT = 4096
"""Texts that took shaping are kept, since names come back; not an lru_cache on a method, whose
cycle would hold a whole PDF until the collector passes."""


class Face(NamedTuple):
    """How a text looks. size: points. ink: the operator that sets its colour, such as `0.2 g`."""

    bold: bool
    size: float
    ink: str


class Setting(NamedTuple):
    """A text, set: operators that show it from the current point on. width: points."""

    operators: str
    width: float


class Glyphs(dict[int, str]):
    """Code point to the bytes that show it in a base font, filled in as texts need them.

    widths: of the same characters, in thousandths of the font's size.
    """

    def __init__(self, font: TTFFont) -> None:
        super().__init__()
        self.font = font
        self.widths: dict[str, float] = {}

    def __missing__(self, code: int) -> str:
        character = chr(code)
        # Marks join their letter and format characters are invisible: both take shaping.
        if code not in self.font.cmap or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
            raise _NeedsShapingError
        number = self.font.subset.pick(code)
        assert number is not None
        self.widths[character] = self.font.cw[code]
        shown = self[code] = self.font.escape_text(chr(number))
        return shown


class Typesetter:
    """Sets texts: plainly when the base font holds them, which costs little, else with care."""

    def __init__(self, fonts: Fonts) -> None:
        self._fonts = fonts
        self._glyphs = {bold: Glyphs(fonts.base(bold=bold)) for bold in (False, True)}
        self._shapers: dict[int, Any] = {}
        self._set_before: dict[tuple[str, Face], Setting] = {}

    def set(self, text: str, face: Face) -> Setting:
        """Return a text set in a face; the operators leave the face's base font set."""
        glyphs = self._glyphs[face.bold]
        try:
            shown = text.translate(glyphs)
        except _NeedsShapingError:
            return self._set_with_care(text, face)
        width = sum(map(glyphs.widths.__getitem__, text))
        return Setting(f"({shown}) Tj", width * face.size / _EM)

    def operators(self, text: str, face: Face) -> str:
        """Return the operators that show a text; the way of most texts, which need no width."""
        try:
            return f"({text.translate(self._glyphs[face.bold])}) Tj"
        except _NeedsShapingError:
            return self._set_with_care(text, face).operators

    def width(self, text: str, face: Face) -> float:
        """Return how wide a text prints, in points."""
        return self.set(text, face).width

    def font_operator(self, face: Face) -> str:
        """Return the operator that sets a face's base font."""
        return _font_operator(self._fonts.base(bold=face.bold), face)

    def _set_with_care(self, text: str, face: Face) -> Setting:
        setting = self._set_before.get((text, face))
        if setting is None:
            if len(self._set_before) == _MOST_KEPT:
                self._set_before.clear()
            setting = self._set_before[text, face] = self._set_runs(text, face)
        return setting

    def _set_runs(self, text: str, face: Face) -> Setting:
        base = self._fonts.base(bold=face.bold)
        runs = runs_as_printed(text, base, self._fonts)
        settings = [self._set_run(run, face, base) for run in runs]
        return Setting(
            " ".join([setting.operators for setting in settings] + [_font_operator(base, face)]),
            sum(setting.width for setting in settings),
        )

    def _set_run(self, run: Run, face: Face, base: TTFFont) -> Setting:
        glyphs = _shape(self._shaper(run.font), run)
        operators = f"{_font_operator(run.font, face)} {_show(glyphs, face.size)}"
        if face.bold and run.font is not base:  # No bold was shipped: thicken by a thin outline.
            outline = f"2 Tr {face.size * 0.02:.2f} w {face.ink.upper()}"
            operators = f"{outline} {operators} 0 Tr"
        return Setting(operators, sum(glyph.advance for glyph in glyphs) * face.size / _EM)

    def _shaper(self, font: TTFFont) -> Any:
        if font.i not in self._shapers:
            blob = hb.Blob.from_file_path(str(font.ttffile))
            self._shapers[font.i] = hb.Font(hb.Face(blob))
        return self._shapers[font.i]


class _NeedsShapingError(Exception):
    """A text that the base font alone cannot show; never leaves this module."""


class _Glyph(NamedTuple):
    """One shaped glyph. code: its escaped bytes; the rest in thousandths of the font's size."""

    code: str
    width: int
    advance: float
    shift: float
    rise: float


def _font_operator(font: TTFFont, face: Face) -> str:
    return f"/F{font.i} {face.size:g} Tf"


def _shape(shaper: Any, run: Run) -> list[_Glyph]:
    buffer = hb.Buffer()
    buffer.cluster_level = hb.BufferClusterLevel.MONOTONE_CHARACTERS
    buffer.add_str(run.text)
    buffer.guess_segment_properties()
    buffer.direction = "rtl" if run.level % 2 else "ltr"
    hb.shape(shaper, buffer)
    infos = buffer.glyph_infos
    texts = _cluster_texts(run.text, sorted({info.cluster for info in infos}))
    scale = run.font.scale
    glyphs = []
    for info, position in zip(infos, buffer.glyph_positions, strict=True):
        # The first glyph of a cluster carries its text, for searching and copying.
        code, width = _glyph_code(run.font, info.codepoint, texts.pop(info.cluster, ""))
        advance, shift = position.x_advance * scale, position.x_offset * scale
        glyphs.append(_Glyph(code, width, advance, shift, position.y_offset * scale))
    return glyphs


def _cluster_texts(text: str, starts: list[int]) -> dict[int, str]:
    """Return the characters of each cluster, by where it starts."""
    ends = [*starts[1:], len(text)]
    return {start: text[start:end] for start, end in zip(starts, ends, strict=True)}


def _glyph_code(font: TTFFont, glyph_id: int, text: str) -> tuple[str, int]:
    """Return the bytes that show a glyph and its nominal width; glyph 0 is a font's own box."""
    name = font.ttfont.getGlyphName(glyph_id)
    width = round(font.scale * font.ttfont["hmtx"].metrics[name][0])
    glyph = font.subset.get_glyph(
        glyph=glyph_id, unicode=tuple(map(ord, text)), glyph_name=name, glyph_width=width
    )
    if glyph is None:
        return font.escape_text("\0"), 0
    number = font.subset.pick_glyph(glyph)
    assert number is not None
    return font.escape_text(chr(number)), width


def _show(glyphs: list[_Glyph], size: float) -> str:
    """Return operators that show glyphs one behind the other."""
    parts: list[str] = []
    rise = 0.0
    for glyph in glyphs:
        if glyph.rise != rise:
            parts.append(f"] TJ {glyph.rise * size / _EM:.3f} Ts [")
            rise = glyph.rise
        parts.append(f"{_move(glyph.shift)}({glyph.code})")
        parts.append(_move(glyph.advance - glyph.shift - glyph.width))
    end = " 0 Ts" if rise else ""
    # Brackets inside a string are escaped: these end one and start the next.
    return f"[{''.join(parts).replace(')(', '')}] TJ{end}"


def _move(distance: float) -> str:
    """Return the array member that moves right by thousandths; nothing for what none can see."""
    return f"{-distance:.0f} " if abs(distance) >= 1 else ""
