"""The audit trail: who did what to which object, when and why; entries are added and read only."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, NamedTuple, Protocol

from billing.domain.document import instant_text
from billing.domain.report_query import Slice


class Author(NamedTuple):
    """Who acts, as use cases are told.

    name: a user as their token says, or whoever sits at the command line. request_id: under
    which the log knows the call; None where there is no request.
    """

    name: str
    request_id: str | None = None


UNNAMED = Author("unnamed")
"""The author where a program that embeds the library names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an act did to an object.

    action: an object's kind and what was done, such as `report.finalized`. object_kind,
    object_id: on what; the id as text. customer_id: whose object it is; None for one that belongs
    to everyone. hash_before, hash_after: SHA-256 in hex of the object's state, before that of what
    it takes the place of; None where there was nothing, or is no more. details: small, JSON-able,
    without fractions: the reason above all; never a personal field of an order, nor a token.
    """

    action: str
    object_kind: str
    object_id: str
    customer_id: int | None = None
    hash_before: str | None = None
    hash_after: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditAct(Change):
    """A change with who made it and when, as it is recorded. at: UTC, whole seconds."""

    at: datetime
    author: Author


class Signature(NamedTuple):
    """Who acts and when: what makes a change an act."""

    author: Author
    at: datetime

    @classmethod
    def of(cls, author: Author | None, now: datetime, /) -> "Signature":
        """Return the signature of an author, or of nobody named, at an aware instant."""
        return cls(author or UNNAMED, now.astimezone(UTC).replace(microsecond=0))

    def sign(self, change: Change, /) -> AuditAct:
        """Return the change as this author's act."""
        fields = {name: getattr(change, name) for name in Change.__dataclass_fields__}
        return AuditAct(at=self.at, author=self.author, **fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry(AuditAct):
    """A recorded act. Ids increase and are never reused; they may have gaps."""

    id: int

    def as_json(self) -> dict[str, Any]:
        """Return the entry as it is shown everywhere, by names in a fixed order."""
        return {
            "id": self.id,
            "at": instant_text(self.at),
            "actor": self.author.name,
            "request_id": self.author.request_id,
            "action": self.action,
            "object_kind": self.object_kind,
            "object_id": self.object_id,
            "customer_id": self.customer_id,
            "hash_before": self.hash_before,
            "hash_after": self.hash_after,
            "details": dict(self.details),
        }


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

    def record_all(self, acts: Sequence[AuditAct], /) -> None:
        """Add entries as `record` does, in their order and in few statements."""

    def page(self, query: AuditQuery, part: Slice, /) -> Iterator[AuditEntry]:
        """Stream the entries that the query asks for, newest first: by id, descending."""

    def count(self, query: AuditQuery, /) -> int:
        """Return how many entries the query asks for."""


def state_hash(state: Mapping[str, Any], /) -> str:
    """Return the SHA-256, in hex, of an object's state as compact JSON in the order given."""
    text = json.dumps(state, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
