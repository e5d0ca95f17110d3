"""MemoryClaims and MemoryAuditTrail: what becomes of reports."""

import copy
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from billing.adapters.memory.state import MemoryRepository, part_of
from billing.domain.audit import AuditAct, AuditEntry, AuditQuery
from billing.domain.claims import Claim
from billing.domain.errors import CustomerNotFoundError
from billing.domain.period import BillingPeriod
from billing.domain.report_query import Slice


class MemoryClaims(MemoryRepository):
    """The claims on the orders of the customers that this transaction may see."""

    def add(self, customer_id: int, report_id: int, order_ids: Sequence[int], /) -> list[Claim]:
        self._unit.require(customer_id)
        claims = self._unit.state.claims
        held = claims.get(customer_id, {})
        free = {order_id: report_id for order_id in order_ids if order_id not in held}
        self._replace(claims | {customer_id: held | free})
        return [
            Claim(order_id, held[order_id])
            for order_id in sorted(order_ids)
            if held.get(order_id, report_id) != report_id
        ]

    def release(self, report_id: int, /) -> int:
        before = self.count(report_id)
        claims = self._unit.state.claims
        kept = {
            customer_id: {order: holder for order, holder in held.items() if holder != report_id}
            for customer_id, held in claims.items()
            if self._unit.access.allows(customer_id) and report_id in held.values()
        }
        self._replace(claims | kept)
        return before - self.count(report_id)

    def known(self, customer_id: int, order_ids: Collection[int], /) -> dict[int, int]:
        held = self._of(customer_id)
        return {order_id: held[order_id] for order_id in order_ids if order_id in held}

    def holders(self, customer_id: int, period: BillingPeriod, /) -> list[int]:
        orders = self._unit.state.orders.get(customer_id, {})
        return sorted(
            {
                holder
                for order_id, holder in self._of(customer_id).items()
                if order_id in orders
                and ((day := orders[order_id].order_date) is None or day in period)
            }
        )

    def count(self, report_id: int, /) -> int:
        return sum(
            holder == report_id
            for customer_id in self._unit.state.claims
            for holder in self._of(customer_id).values()
        )

    def _of(self, customer_id: int) -> dict[int, int]:
        allowed = self._unit.access.allows(customer_id)
        return self._unit.state.claims.get(customer_id, {}) if allowed else {}

    def _replace(self, claims: dict[int, dict[int, int]]) -> None:
        self._unit.state = replace(self._unit.state, claims=claims)


class MemoryAuditTrail(MemoryRepository):
    """What was done to the objects that this transaction may see."""

    def record(self, act: AuditAct, /) -> AuditEntry:
        if act.customer_id is not None and not self._unit.access.allows(act.customer_id):
            raise CustomerNotFoundError(act.customer_id)
        fields = {name: getattr(act, name) for name in AuditAct.__dataclass_fields__}
        fields["details"] = json.loads(json.dumps(act.details))
        trail = self._unit.state.audit
        entry = AuditEntry(id=len(trail) + 1, **fields)
        self._unit.state = replace(self._unit.state, audit=(*trail, entry))
        return _copied(entry)

    def record_all(self, acts: Sequence[AuditAct], /) -> None:
        for act in acts:
            self.record(act)

    def page(self, query: AuditQuery, part: Slice, /) -> Iterator[AuditEntry]:
        return map(_copied, part_of(self._matching(query), part))

    def count(self, query: AuditQuery, /) -> int:
        return sum(1 for _ in self._matching(query))

    def _matching(self, query: AuditQuery) -> Iterator[AuditEntry]:
        return (e for e in reversed(self._unit.state.audit) if self._sees(e) and query.matches(e))

    def _sees(self, entry: AuditEntry) -> bool:
        access = self._unit.access
        if entry.customer_id is None:
            return access.is_everything
        return access.allows(entry.customer_id)


def _copied(entry: AuditEntry) -> AuditEntry:
    """Return an entry whose details are the caller's own to change."""
    return replace(entry, details=copy.deepcopy(entry.details))
