"""Catalog changes: what saving a customer or a service did, as the audit trail keeps it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import TypeVar

from billing.domain.audit import Change, state_hash
from billing.domain.catalog import Customer, Service
from billing.domain.repositories import Outcome

Named = TypeVar("Named", Customer, Service)


def catalog_changes(
    before: Mapping[int, Named], saved: Iterable[tuple[Named, Outcome]]
) -> Iterator[Change]:
    """Return a change for each that was created or updated.

    before: those that there were, by id. The details name the fields that are others now.
    """
    for value, outcome in saved:
        if outcome is not Outcome.UNCHANGED:
            yield _change(before.get(value.id), value, outcome)


def _change(
    before: Customer | Service | None, after: Customer | Service, outcome: Outcome
) -> Change:
    kind = type(after).__name__.lower()
    was, state = None if before is None else asdict(before), asdict(after)
    changed = [] if was is None else [name for name in state if state[name] != was[name]]
    return Change(
        action=f"{kind}.{outcome.value}",
        object_kind=kind,
        object_id=str(after.id),
        customer_id=after.id if isinstance(after, Customer) else None,
        hash_before=None if was is None else state_hash(was),
        hash_after=state_hash(state),
        details={"changed": changed} if changed else {},
    )
