"""Load: many keep-alive clients in one thread, cheap enough not to be what is measured."""

import selectors
import socket
from dataclasses import dataclass, field
from statistics import quantiles
from time import perf_counter

HOST = "127.0.0.1"
MOST_REQUESTS = 200_000
TIMEOUT_SECONDS = 30
_BLOCK = 256 * 1024


class BadAnswerError(Exception):
    """An answer that is no 200 with a length, or one that does not come."""


@dataclass(slots=True)
class Load:
    """What a round of load saw. latencies: seconds a request."""

    seconds: float = 0
    latencies: list[float] = field(default_factory=list)

    @property
    def seconds_a_request(self) -> float:
        """The time that passed for each request answered; its inverse is the throughput."""
        return self.seconds / len(self.latencies)

    @property
    def p99(self) -> float:
        """The latency that 99 of 100 requests stay under."""
        return quantiles(self.latencies, n=100)[-1]


def get(path: str, token: str | None = None) -> bytes:
    """Return the bytes of a GET."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {HOST}"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def run(port: int, request: bytes, *, clients: int, seconds: float) -> Load:
    """Let so many clients of a server on this machine ask again and again for so long."""
    load = Load()
    with selectors.DefaultSelector() as selector:
        asking = [_Client(port, request) for _ in range(clients)]
        started = perf_counter()
        for client in asking:
            selector.register(client.socket, selectors.EVENT_READ, client)
            client.ask()
        while asking:
            events = selector.select(TIMEOUT_SECONDS)
            if not events:
                raise BadAnswerError(f"no answer within {TIMEOUT_SECONDS} s")
            for key, _ in events:
                client = key.data
                if not client.has_answer():
                    continue
                now = perf_counter()
                load.latencies.append(now - client.asked_at)
                if now - started < seconds and len(load.latencies) < MOST_REQUESTS:
                    client.ask()
                else:
                    selector.unregister(client.socket)
                    client.socket.close()
                    asking.remove(client)
        load.seconds = perf_counter() - started
    return load


class _Client:
    """One connection and the answer that is on its way."""

    def __init__(self, port: int, request: bytes) -> None:
        self.socket = socket.create_connection((HOST, port), TIMEOUT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.asked_at = 0.0
        self._request = request
        self._missing: int | None = None
        self._head = b""

    def ask(self) -> None:
        """Send the request."""
        self._missing, self._head = None, b""
        self.asked_at = perf_counter()
        self.socket.sendall(self._request)

    def has_answer(self) -> bool:
        """Take what has come; tell whether that was the last of it."""
        block = self.socket.recv(_BLOCK)
        if not block:
            raise BadAnswerError("the server hung up")
        if self._missing is not None:
            self._missing -= len(block)
            return self._missing <= 0
        self._head += block
        head, end, body = self._head.partition(b"\r\n\r\n")
        if not end:
            return False
        self._missing = _length(head) - len(body)
        return self._missing <= 0


def _length(head: bytes) -> int:
    status, _, headers = head.partition(b"\r\n")
    _, found, after = headers.lower().partition(b"content-length:")
    if b" 200 " not in status or not found:
        raise BadAnswerError(head.decode(errors="replace"))
    return int(after.partition(b"\r\n")[0])
