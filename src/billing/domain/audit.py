"""The audit trail: who did what to which object, when and why; entries are added and read only."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol

from billing.domain.report_query import Slice


class Author(NamedTuple):
    """Who acts, as use cases are told.

    name: a user as their token says, or whoever sits at the command line. request_id: under
    which the log knows the call; None where there is no request.
    """

    name: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditAct:
    """One act, as it is recorded.

    at: UTC, whole seconds. action: an object's kind and what was done, such as
    `report.finalized`. object_kind, object_id: on what; the id as text. customer_id: whose
    object it is; None for one that belongs to everyone. hash_before, hash_after: SHA-256 in hex
    of the object's state; None where it was not there, or is no more. details: small, JSON-able,
    without fractions: the reason above all.
    """

    at: datetime
    author: Author
    action: str
    object_kind: str
    object_id: str
    customer_id: int | None = None
    hash_before: str | None = None
    hash_after: str | None = None
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry(AuditAct):
    """A recorded act. Ids increase and are never reused; they may have gaps."""

    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Which entries; None asks nothing. since, until: on or after, on or before that UTC day."""

    actor: str | None = None
    action: str | None = None
    object_kind: str | None = None
    object_id: str | None = None
    customer_id: int | None = None
    since: date | None = None
    until: date | None = None

    def matches(self, entry: AuditEntry) -> bool:
        """Tell whether the entry is asked for."""
        day = entry.at.date()
        return (
            self.actor in (None, entry.author.name)
            and self.action in (None, entry.action)
            and self.object_kind in (None, entry.object_kind)
            and self.object_id in (None, entry.object_id)
            and self.customer_id in (None, entry.customer_id)
            and (self.since is None or day >= self.since)
            and (self.until is None or day <= self.until)
        )


class AuditTrail(Protocol):
    """What was done. Nothing in it is ever changed or taken out.

    Entries of a customer are seen by an access that allows the customer; entries of none by an
    access to everything only.
    """

    def record(self, act: AuditAct, /) -> AuditEntry:
        """Add an entry, in this transaction, so that it stands exactly if the act does.

        Raises CustomerNotFoundError for a customer outside the access.
        """

    def page(self, query: AuditQuery, part: Slice, /) -> Iterator[AuditEntry]:
        """Stream the entries that the query asks for, newest first: by id, descending."""

    def count(self, query: AuditQuery, /) -> int:
        """Return how many entries the query asks for."""


def state_hash(state: Mapping[str, Any], /) -> str:
    """Return the SHA-256, in hex, of an object's state as compact JSON in the order given."""
    text = json.dumps(state, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
