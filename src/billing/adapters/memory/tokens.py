"""MemoryTokens: issued tokens by jti, revocations by kind and name."""

from dataclasses import replace
from datetime import datetime

from billing.adapters.memory.state import MemoryRepository
from billing.domain.tokens import IssuedToken, Revocation, Revoked


class MemoryTokens(MemoryRepository):
    """The tokens of this process, which is the whole installation."""

    def record(self, token: IssuedToken, /) -> None:
        state = self._unit.state
        self._unit.state = replace(state, tokens=state.tokens | {token.jti: token})

    def find(self, jti: str, /) -> IssuedToken | None:
        return self._unit.state.tokens.get(jti)

    def issued(self) -> list[IssuedToken]:
        tokens = self._unit.state.tokens.values()
        return sorted(tokens, key=lambda token: (token.issued_at, token.jti))

    def revoke(self, revocation: Revocation, /) -> bool:
        state, key = self._unit.state, (revocation.kind, revocation.name)
        earlier = state.revocations.get(key)
        if earlier is not None and (
            revocation.kind is Revoked.TOKEN or earlier.revoked_at >= revocation.revoked_at
        ):
            return False
        self._unit.state = replace(state, revocations=state.revocations | {key: revocation})
        return True

    def revocation_of(self, subject: str, /) -> Revocation | None:
        return self._unit.state.revocations.get((Revoked.SUBJECT, subject))

    def revocations(self) -> list[Revocation]:
        revocations = self._unit.state.revocations.values()
        return sorted(revocations, key=lambda r: (r.revoked_at, r.kind, r.name))

    def forget_ended(self, before: datetime, /) -> None:
        state = self._unit.state
        self._unit.state = replace(
            state,
            tokens={j: t for j, t in state.tokens.items() if t.expires_at >= before},
            revocations={
                key: revocation
                for key, revocation in state.revocations.items()
                if revocation.expires_at is None or revocation.expires_at >= before
            },
        )
