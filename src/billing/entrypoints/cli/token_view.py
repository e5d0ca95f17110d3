"""Token view: issued and revoked tokens as a table and as JSON."""

from collections.abc import Iterable, Iterator

from billing.domain.document import instant_text
from billing.domain.strict_json import dumps
from billing.domain.tokens import Revoked, TokenLine
from billing.entrypoints.cli.output import table
from billing.entrypoints.tokens import EVERY_CUSTOMER

_BETWEEN = ",\n"
_HEADINGS = ("JTI", "SUBJECT", "SCOPES", "CUSTOMERS", "ISSUED", "EXPIRES", "REVOKED", "BY", "WHY")


def table_lines(lines: Iterable[TokenLine]) -> Iterator[str]:
    """Return the table; what nobody here knows is a dash."""
    return table(_HEADINGS, map(_row, lines))


def json_lines(lines: Iterable[TokenLine]) -> Iterator[str]:
    """Return a JSON array, one object a line; what nobody here knows is null."""
    texts = (dumps(_object(line)) for line in lines)
    yield f"[{_BETWEEN.join(texts)}]"


def _object(line: TokenLine) -> dict[str, object]:
    token, revocation = line
    jti = subject = None
    if revocation is not None:
        jti = revocation.name if revocation.kind is Revoked.TOKEN else None
        subject = revocation.name if revocation.kind is Revoked.SUBJECT else None
    return {
        "jti": token.jti if token else jti,
        "subject": token.subject if token else subject,
        "scopes": token and list(token.scopes),
        "customers": token and (EVERY_CUSTOMER if token.customers is None else token.customers),
        "issued_at": token and instant_text(token.issued_at),
        "expires_at": token and instant_text(token.expires_at),
        "revoked_at": revocation and instant_text(revocation.revoked_at),
        "revoked_by": revocation and revocation.revoked_by,
        "reason": revocation and revocation.reason,
    }


def _row(line: TokenLine) -> tuple[str, ...]:
    return tuple(_cell(value) for value in _object(line).values())


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
