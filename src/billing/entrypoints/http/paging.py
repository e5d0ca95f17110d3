"""Paging: whole lists unless a page is asked for, and the headers that tell where a page lies."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Response, request
from marshmallow import Schema, post_load

from billing.domain.report_query import Slice
from billing.entrypoints.http.answers import array_answer
from billing.entrypoints.http.fields import Page, PageSize

PAGE_SIZE = 100
_RELATIONS = {
    "first": "first_page",
    "prev": "previous_page",
    "next": "next_page",
    "last": "last_page",
}

PAGING_HEADERS = {
    "X-Pagination": {
        "description": "If a page was asked for: JSON with total, total_pages, first_page, "
        "last_page, and where they exist page, previous_page, next_page.",
        "schema": {"type": "string"},
    },
    "Link": {
        "description": "If a page was asked for: where first, prev, next and last are (RFC 8288).",
        "schema": {"type": "string"},
    },
}
"""What OpenAPI says of a page's headers."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Paging:
    """The page that was asked for."""

    page: int = 1
    page_size: int = PAGE_SIZE

    def part(self, total: int) -> Slice:
        """Return the part of a list of `total` entries that is on the page.

        A page past the end is an empty part at its end: storage never meets an offset that its
        integers cannot hold.
        """
        offset = min((self.page - 1) * self.page_size, total)
        return Slice(offset, min(self.page_size, total - offset))

    def headers(self, total: int) -> dict[str, str]:
        """Return X-Pagination, in flask-smorest's form, and Link (RFC 8288)."""
        last = -(-total // self.page_size)
        pages = {"first_page": 1, "last_page": last}
        if self.page <= last:
            pages |= {
                "page": self.page,
                "previous_page": self.page - 1,
                "next_page": self.page + 1,
            }
        pages = {name: page for name, page in pages.items() if 1 <= page <= last}
        headers = {"X-Pagination": json.dumps({"total": total, "total_pages": last, **pages})}
        address = self._address()
        links = [
            f'<{address}{pages[name]}>; rel="{relation}"'
            for relation, name in _RELATIONS.items()
            if name in pages
        ]
        if links:
            headers["Link"] = ", ".join(links)
        return headers

    def _address(self) -> str:
        """Return a page's address but its number, without a host: Host is not to be trusted."""
        query = {name: value for name, value in request.args.items() if name != "page"}
        query["page_size"] = str(self.page_size)
        # As it was asked for: a path that leads to a list has nothing that needs quoting.
        return f"{request.script_root}{request.path}?{urlencode(query)}&page="


class PagedSchema(Schema):
    """The query of a list that can be paged; without either parameter `paging` is None."""

    page = Page(metadata={"description": "Asks for one page of the list; by default 1."})
    page_size = PageSize(
        metadata={"description": f"Asks for one page of the list; by default {PAGE_SIZE} entries."}
    )

    @post_load
    def gather_paging(self, data: dict[str, Any], **options: Any) -> Mapping[str, Any]:
        """Put what was asked of the paging under one name."""
        del options
        asked = {name: data.pop(name) for name in ("page", "page_size") if name in data}
        return {**data, "paging": Paging(**asked) if asked else None}


def list_answer(
    paging: Paging | None,
    count: Callable[[], int],
    entries: Callable[[Slice], Iterable[str]],
) -> Response:
    """Answer a list of JSON texts: one page of it if one was asked for, else all of it.

    Call it while the storage's view is open: both functions are used before it returns.
    """
    if paging is None:
        return array_answer(entries(Slice()))
    total = count()
    text = f"[{','.join(entries(paging.part(total)))}]"  # At most 1,000 entries.
    return Response(text, headers=paging.headers(total), content_type="application/json")


def sequence_answer(
    paging: Paging | None, entries: Sequence[T], text: Callable[[T], str]
) -> Response:
    """Answer a list that is at hand, as `list_answer` does."""

    def part_of(part: Slice) -> Iterable[str]:
        end = None if part.limit is None else part.offset + part.limit
        return map(text, entries[part.offset : end])

    return list_answer(paging, lambda: len(entries), part_of)
