"""Fuzzing: requests made of the API's grammar, then bent: values, structure, and single bytes."""

import json
import random
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from tests.integration.http.operations import OPERATIONS, OTHER, OWN

METHODS = ("GET", "POST", "PUT", "HEAD", "PATCH", "DELETE", "OPTIONS", "TRACE")
PARAMETERS = (
    "customer_id start_date end_date created_after created_before order_by page page_size format "
    "on on_error order_id fields x"
).split()
TYPES = (
    "application/json",
    "application/json; charset=latin-1",
    "application/x-ndjson",
    "text/csv",
    "text/plain",
    "multipart/form-data",
    "",
)
TEXTS = (
    "",
    " ",
    "0",
    "1",
    "-1",
    "01",
    "1.0",
    "1e3",
    "1e400",
    "NaN",
    "9223372036854775807",
    "9223372036854775808",
    "9" * 5_000,
    "2023-01-01",
    "2023-02-30",
    "0001-01-01",
    "9999-12-31",
    "2023-01-31T23:59:59+14:00",
    "null",
    "true",
    "json",
    "pdf",
    "-created_at",
    "__class__",
    "'; DROP TABLE orders; --",
    "<script>alert(1)</script>",
    "=1+1",
    "../../etc/passwd",
    "%00",
    "a\0b",
    "\r\nX: y",
    "\u202eabc",
    "\ud800",
    "東京",
    "😀" * 300,
    "x" * 256,
    "x" * 20_000,
    "٣",
)
NUMBERS: tuple[Any, ...] = (
    *(0, 1, -1, 2, 77, 10**6, 2**53, 2**63 - 1, 2**63, -(2**63), 10**400),
    *(0.1, 1.005, 1e-7, -0.0, 1e15, 99999999999999.99),
    *(True, False, None, [], {}, [[]], [None], {"": None}),
)


class Request(NamedTuple):
    """What is sent; `as_options` hands it to a test client."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes | None
    token: str

    def as_options(self) -> dict[str, Any]:
        """Return the client's arguments; the path goes past it, as a server would hand it on."""
        path, _, query = self.path.partition("?")
        given = unquote_to_bytes(path.encode("utf-8", "surrogatepass"))
        environ = {
            "PATH_INFO": given.decode("latin-1"),
            "QUERY_STRING": query.encode("utf-8", "surrogatepass").decode("latin-1"),
        }
        return {
            "method": self.method,
            "headers": self.headers,
            "data": self.body,
            "environ_overrides": environ,
        }


class Fuzzer:
    """Makes requests by chance; the same seed makes the same ones."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 to be repeated is what it is for

    def request(self) -> Request:
        """Return the next request: most are nearly right, for those get furthest."""
        chance = self._random
        operation = chance.choice(list(OPERATIONS.values()))
        customer = chance.choice((OWN, OWN, OTHER, 77))
        path = operation.path_for(customer)
        value = None if operation.body is None else operation.body(customer)
        method, headers = operation.method, {"Content-Type": "application/json"}
        if chance.random() < 0.5:
            path = self._path(path)
        if chance.random() < 0.05:
            method = chance.choice(METHODS)
        if value is None and chance.random() < 0.05:
            value = chance.choice(NUMBERS)
        for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
            value = self._bent(value)
        body = None if operation.body is None and value is None else self._written(value, headers)
        if body is not None and chance.random() < 0.25:
            body = self._bytes(body)
        if chance.random() < 0.05:
            headers["Content-Type"] = chance.choice(TYPES)
        if chance.random() < 0.05:
            headers[chance.choice(("Content-Encoding", "Idempotency-Key", "If-None-Match"))] = (
                self._header()
            )
        token = chance.choices(("good", "one", "read", "none", "bad"), (80, 8, 4, 4, 4))[0]
        return Request(method, path, headers, body, token)

    def _path(self, path: str) -> str:
        """Bend a path, or its query."""
        chance = self._random
        path, _, query = path.partition("?")
        kind = chance.randrange(5)
        if kind == 0:
            parts = path.split("/")
            parts[chance.randrange(3, len(parts))] = chance.choice(TEXTS)
            path = "/".join(parts)
        elif kind == 1:
            place = chance.randrange(len(path))
            path = path[:place] + chance.choice("/%?;.\0é0\\") + path[place + 1 :]
        else:
            added = [
                f"{chance.choice(PARAMETERS)}={_quoted(chance.choice(TEXTS))}"
                for _ in range(chance.choice((1, 1, 2, 3)))
            ]
            query = "&".join([query, *added] if query and kind == 2 else added)
        return f"{path}?{query}" if query else path

    def _bent(self, value: Any, depth: int = 0) -> Any:
        """Return a JSON value with something in it changed, dropped, doubled or added."""
        chance = self._random
        if isinstance(value, dict) and value and chance.random() < 0.9:
            name = chance.choice(list(value))
            changed = {**value, name: self._bent(value[name], depth + 1)}
            kind = chance.randrange(8)
            if kind == 0:
                del changed[name]
            elif kind == 1:
                changed[chance.choice(TEXTS)] = changed.pop(name)
            return changed
        if isinstance(value, list) and value and chance.random() < 0.9:
            place = chance.randrange(len(value))
            bent = [*value[:place], self._bent(value[place], depth + 1), *value[place + 1 :]]
            return bent * (chance.choice((1, 1, 1, 2, 40)) if depth == 0 and len(bent) < 9 else 1)
        if chance.random() < 0.1:
            deep: Any = value
            for _ in range(chance.choice((1, 31, 32, 200))):
                deep = [deep] if chance.random() < 0.5 else {"all": [deep]}
            return deep
        return chance.choice(TEXTS + NUMBERS)

    def _written(self, value: Any, headers: dict[str, str]) -> bytes:
        """Write a value as JSON; rows now and then as NDJSON or CSV."""
        chance = self._random
        if isinstance(value, list) and value and chance.random() < 0.3:
            if chance.random() < 0.5:
                headers["Content-Type"] = "application/x-ndjson"
                return "\n".join(map(json.dumps, value)).encode()
            headers["Content-Type"] = "text/csv"
            rows = [row for row in value if isinstance(row, dict)]
            names = list(rows[0]) if rows else ["customer_id"]
            lines = [",".join(_cell(row.get(name)) for name in names) for row in rows]
            return "\r\n".join([",".join(map(_cell, names)), *lines]).encode("utf-8", "replace")
        return json.dumps(value).encode()

    def _bytes(self, body: bytes) -> bytes:
        """Change, drop, add or repeat bytes."""
        chance = self._random
        found = bytearray(body)
        for _ in range(chance.choice((1, 1, 2, 8))):
            place = chance.randrange(len(found) + 1)
            kind = chance.randrange(4)
            if kind == 0:
                found[place:place] = bytes([chance.randrange(256)])
            elif kind == 1:
                del found[place : place + chance.choice((1, 4, 64))]
            elif kind == 2:
                found[place:place] = found[place : place + 32] * chance.choice((1, 3, 500))
            else:
                found[place:place] = chance.choice((b"\xff", b"[", b"{", b'"', b"\\u0000", b"1e9"))
        return bytes(found)

    def _header(self) -> str:
        text = self._random.choice(TEXTS)
        return "".join(one for one in text if one.isprintable() and ord(one) < 256)


def _quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass")[:2_000])


def _cell(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return '"' + text.replace('"', '""') + '"'
