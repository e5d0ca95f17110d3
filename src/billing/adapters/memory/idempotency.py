"""MemoryIdempotencyKeys: keys by principal, operation and key, oldest first."""

from dataclasses import replace
from datetime import datetime
from itertools import takewhile

from billing.adapters.memory.state import KeyUse, MemoryRepository
from billing.domain.idempotency import KEPT, EarlierRequest, KeyedRequest


class MemoryIdempotencyKeys(MemoryRepository):
    """The keys of requests that were done. Writers take turns, so nothing is ever in flight."""

    def find(self, request: KeyedRequest, now: datetime, /) -> EarlierRequest | None:
        use = self._unit.state.idempotency_keys.get(request[:3])
        if use is None or use.created_at <= now - KEPT:
            return None
        assert use.report_id is not None  # Only within the transaction that took the key.
        return EarlierRequest(use.body_sha256, use.report_id)

    def take(self, request: KeyedRequest, now: datetime, /) -> EarlierRequest | None:
        earlier = self.find(request, now)
        if earlier is not None:
            return earlier
        keys = dict(self._unit.state.idempotency_keys)
        past = takewhile(lambda use: use[1].created_at <= now - KEPT, keys.items())
        for key, _ in list(past):
            del keys[key]
        keys[request[:3]] = KeyUse(request.body_sha256, None, now)
        self._unit.state = replace(self._unit.state, idempotency_keys=keys)
        return None

    def settle(self, request: KeyedRequest, report_id: int, /) -> None:
        state = self._unit.state
        use = state.idempotency_keys[request[:3]]._replace(report_id=report_id)
        keys = state.idempotency_keys | {request[:3]: use}
        self._unit.state = replace(state, idempotency_keys=keys)
