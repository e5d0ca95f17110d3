"""Texts made to fit: grouped numbers, cut and wrapped lines."""

import unicodedata
from bisect import bisect_right

from billing.adapters.exporters.pdf_shaping import Face, Setting, Typesetter

_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


def grouped(number: str | int) -> str:
    """Write an exact number with its thousands grouped: 1234.50 is 1,234.50."""
    text = str(number)
    whole, point, part = text.partition(".")
    if len(whole) <= 3:  # noqa: PLR2004 nothing to group; most amounts
        return text
    sign = "-" if whole.startswith("-") else ""
    return f"{sign}{int(whole.removeprefix('-')):,}{point}{part}"


def set_number(typesetter: Typesetter, number: str | int, face: Face, room: float) -> Setting:
    """Set a number, grouped; one wider than its room is condensed, never cut."""
    setting = typesetter.set(grouped(number), face)
    if setting.width <= room:
        return setting
    return Setting(f"{room / setting.width * 100:.1f} Tz {setting.operators} 100 Tz", room)


def cut(typesetter: Typesetter, text: str, face: Face, room: float) -> str:
    """Return the text, or as much of it as fits into `room` points with an ellipsis behind."""
    if _fits(typesetter, text, face, room):
        return text
    left = room - typesetter.width(_ELLIPSIS, face)
    return text[: _fitting(typesetter, text, face, left)].rstrip() + _ELLIPSIS


def wrap(typesetter: Typesetter, text: str, face: Face, room: float, most: int) -> list[str]:
    """Break a text into lines of `room` points; of more than `most` lines the last is cut."""
    lines: list[str] = []
    while not _fits(typesetter, text, face, room):
        if len(lines) == most - 1:
            return [*lines, cut(typesetter, text, face, room)]
        end = _break_before(text, _fitting(typesetter, text, face, room))
        lines.append(text[:end].rstrip())
        text = text[end:].lstrip()
    return [*lines, text]


def _fits(typesetter: Typesetter, text: str, face: Face, room: float) -> bool:
    if text.isascii() and len(text) * face.size <= room:  # None is wider than the size: saves time.
        return True
    return typesetter.width(text, face) <= room


def _fitting(typesetter: Typesetter, text: str, face: Face, room: float) -> int:
    """Return how many characters fit, at least one, without parting a mark from its letter."""
    count = bisect_right(
        range(1, len(text)), room, key=lambda end: typesetter.width(text[:end], face)
    )
    end = max(count, 1)
    while end > 1 and _is_joined(text, end):
        end -= 1
    return end


def _is_joined(text: str, place: int) -> bool:
    """Tell whether the characters around a place print as one."""
    joiner = "\N{ZERO WIDTH JOINER}"
    return (
        unicodedata.category(text[place])[0] == "M"
        or text[place] == joiner
        or text[place - 1] == joiner
    )


def _break_before(text: str, end: int) -> int:
    """Return the last good place for a line break up to `end`; `end` itself if there is none."""
    for place in range(end, 0, -1):
        if _is_break(text[place - 1], text[place]):
            return place
    return end


def _is_break(before: str, after: str) -> bool:
    """Tell whether a line may end between two characters: at a space, and between wide ones."""
    if " " in (before, after):
        return True
    # Scripts without spaces break anywhere, but no line starts with a closing mark.
    wide = "WF"
    return (
        unicodedata.east_asian_width(before) in wide
        and unicodedata.east_asian_width(after) in wide
        and unicodedata.category(after) not in {"Pe", "Pf", "Po"}
    )
