"""Report differences: where a stored report first differs from the same billed again."""

import json
import zlib
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from billing.domain.costs import ServiceTotal
from billing.domain.fields import shown
from billing.domain.pages import Page, Section, inflate
from billing.domain.report import ReportContent


class DifferenceError(Exception):
    """The first place where a report is not what it was filed as; `str()` is one line."""

    def __init__(self, place: str, problem: object) -> None:
        super().__init__(f"{place}: {problem}")


def compare_pages(section: Section, stored: Iterator[Page], again: Iterator[Page]) -> None:
    """Compare a section's pages and what is said of them; raise DifferenceError."""
    for number, (found, expected) in enumerate(zip_longest(stored, again), start=1):
        place = f"{section}, page {number}"
        if found is None or expected is None:
            raise DifferenceError(place, "missing" if found is None else "one too many")
        try:
            text = inflate(found.body)
        except zlib.error as error:
            raise DifferenceError(place, f"cannot be read: {error}") from error
        wanted = inflate(expected.body)
        if text != wanted:
            raise _entry_difference(section, place, text, wanted)
        # The compressed bytes may differ: another version of the library may compress better.
        if found[:-1] != expected[:-1]:
            raise DifferenceError(place, _both(found[:-1], expected[:-1]))


def compare_content(
    stored: ReportContent,
    again: ReportContent,
    totals: Sequence[ServiceTotal],
    totals_again: Sequence[ServiceTotal],
) -> None:
    """Compare totals, counts and the hash; raise DifferenceError."""
    by_id, by_id_again = (
        {total.service_id: total for total in of} for of in (totals, totals_again)
    )
    for service_id in sorted(by_id.keys() | by_id_again.keys()):
        found, expected = by_id.get(service_id), by_id_again.get(service_id)
        if found != expected:
            amounts = _both(found and found.amount, expected and expected.amount)
            raise DifferenceError(f"total of service {service_id}", amounts)
    for name in ("total_amount", "order_count", "exception_count"):
        values = getattr(stored, name), getattr(again, name)
        if values[0] != values[1]:
            raise DifferenceError(name, _both(*values))
    if stored.content_hash != again.content_hash:
        # All that can be billed again agrees: what is left is what the report alone knows.
        raise DifferenceError(
            "content_hash",
            "it does not fit: it was changed, or the customer's name, the currency, the period, "
            "a service's name or the letterhead was",
        )


def _entry_difference(section: str, place: str, text: bytes, wanted: bytes) -> DifferenceError:
    """Return the first difference of two pages: in which order, and of what."""
    try:
        pairs = list(zip_longest(_entries(text), _entries(wanted)))
    except ValueError as error:
        return DifferenceError(place, f"cannot be read: {error}")
    found, expected = next((pair for pair in pairs if pair[0] != pair[1]), ({}, {}))
    if not isinstance(found, dict) or not isinstance(expected, dict):
        return DifferenceError(place, _both(_order(found), _order(expected)))
    numbers = _order(found), _order(expected)
    if numbers[0] != numbers[1]:
        return DifferenceError(place, _both(*numbers))
    for member in [*expected, *found]:
        values = found.get(member), expected.get(member)
        if values[0] != values[1]:
            at = f"{section}, {numbers[1]}, {shown(member)}"
            return DifferenceError(at, _both(*map(_text, values)))
    return DifferenceError(place, "the same, but not written as reports are")


def _entries(text: bytes) -> list[Any]:
    """Return a page's entries, members in their order and numbers to the digit."""
    entries: list[Any] = json.loads(b"[" + text + b"]", parse_float=str)
    return entries


def _order(entry: object) -> str:
    if not isinstance(entry, dict):
        return "no order" if entry is None else "something else"
    return f"order {shown(str(entry.get('order_id')))}"


def _text(value: object) -> str | None:
    """Return a member as JSON says it, texts and amounts plain."""
    if value is None or isinstance(value, str):
        return value and shown(value)
    return shown(json.dumps(value, ensure_ascii=False))


def _both(found: object, expected: object) -> str:
    said = ("nothing" if value is None else value for value in (found, expected))
    return "{} in the report, {} when billed again".format(*said)
