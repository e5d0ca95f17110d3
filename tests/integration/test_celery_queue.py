"""CeleryQueue on a real broker: what a hint is, and what a broker that is away costs."""

import base64
import json
import logging
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from subprocess import PIPE

import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from billing.adapters.celery import queue as adapter
from billing.adapters.celery.queue import CeleryQueue
from billing.adapters.memory import MemoryStorage
from billing.bootstrap import SystemClock, compose, open_queue, work_on_hints
from billing.domain.billing_run import ItemKey
from billing.domain.errors import MissingExtraError
from billing.domain.run_request import RunRequest
from billing.testing.world import JANUARY, fill
from tests import servers

NOW = SystemClock().now()
PEM = serialization.Encoding.PEM
BEGINS_LATE = """
import sys
from pathlib import Path
from billing.bootstrap import work_on_hints

state = ["not begun"]

def begin():
    try:
        Path(sys.argv[2]).touch(exist_ok=False)
    except FileExistsError:
        state[0] = "begun"
    else:
        raise OSError("no room left")

def attempt(key):
    print(*key, *state, flush=True)

sys.exit(work_on_hints(sys.argv[1], int(sys.argv[3]), attempt, begin=begin))
"""
"""A worker whose first process cannot begin."""

ITEMS = [ItemKey(7, customer_id) for customer_id in range(1, 6)]


@pytest.fixture
def broker() -> Iterator[Path]:
    """Run a broker for this test alone; the path of its socket."""
    with servers.required(servers.valkey()) as path:
        yield path


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Listen, and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def hints_in(path: Path) -> list[ItemKey]:
    """Return the hints that wait in a broker, the first one first."""
    with redis.Redis(unix_socket_path=str(path)) as client:
        found = [json.loads(message) for message in client.lrange("billing:billing", 0, -1)]
    assert {message["headers"]["task"] for message in found} <= {"billing.try_item"}
    bodies = [json.loads(base64.b64decode(message["body"])) for message in reversed(found)]
    return [ItemKey(*args) for args, _, _ in bodies]


def test_a_hint_is_two_numbers(broker: Path) -> None:
    """A run and a customer; the broker holds nothing else that is not its own."""
    CeleryQueue(f"redis+unix://{broker}").hint(ITEMS)
    assert hints_in(broker) == ITEMS
    with redis.Redis(unix_socket_path=str(broker)) as client:
        names = {key.decode() for key in client.scan_iter()}
    assert {name for name in names if "_kombu.binding" not in name} == {"billing:billing"}


def test_a_sweep_adds_no_hints_where_enough_wait(broker: Path) -> None:
    """However often it comes, from however many machines: the broker does not fill up."""
    sweeping = CeleryQueue(f"redis+unix://{broker}", refill_below=len(ITEMS))
    for _ in range(3):
        sweeping.hint(ITEMS)
    assert hints_in(broker) == ITEMS
    CeleryQueue(f"redis+unix://{broker}").hint(ITEMS)
    assert len(hints_in(broker)) == 2 * len(ITEMS)


def test_a_restart_of_the_broker_between_two_hints_is_not_noticed() -> None:
    """Nothing is kept that the restart breaks."""
    with ExitStack() as stack:
        path, running = stack.enter_context(servers.required(servers.new_valkey()))
        queue = CeleryQueue(f"redis+unix://{path}")
        with running():
            queue.hint(ITEMS[:1])
        with running():
            queue.hint(ITEMS[1:])
            assert (hints_in(path), queue.is_away) == (ITEMS[1:], False)


@pytest.mark.parametrize("scheme", ["redis", "rediss", "amqp", "amqps"])
@pytest.mark.parametrize("refill_below", [None, 5])
def test_a_broker_that_never_answers_is_left_alone(
    silent_port: int, caplog: pytest.LogCaptureFixture, scheme: str, refill_below: int | None
) -> None:
    """A call that starts a run ends all the same, with one line that tells no password."""
    url = f"{scheme}://me:secret@127.0.0.1:{silent_port}/0"
    queue = CeleryQueue(url, refill_below=refill_below)
    queue.hint(ITEMS)
    assert queue.is_away
    ours = [record for record in caplog.records if record.name.startswith("billing")]
    assert [record.levelname for record in ours] == ["WARNING"]
    assert "secret" not in caplog.text


def test_a_run_starts_without_its_broker(tmp_path: Path) -> None:
    """It is in the storage; the next hint that arrives says that the broker is back."""
    queue = CeleryQueue(f"redis+unix://{tmp_path}/broker.sock")
    storage = MemoryStorage()
    fill(storage)
    app = compose(storage, queue=queue)
    run = app.runs.start(RunRequest(period=JANUARY))
    assert (run.is_live, app.runs.sweep(), queue.is_away) == (True, run.total, True)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_process_that_cannot_begin_takes_no_hints(
    broker: Path, tmp_path: Path, processes: int
) -> None:
    """It is replaced: in it every attempt would fail, and the hint would be gone."""
    url = f"redis+unix://{broker}"
    CeleryQueue(url).hint(ITEMS)
    arguments = (url, str(tmp_path / "tried"), str(processes))
    worker = subprocess.Popen([sys.executable, "-c", BEGINS_LATE, *arguments], stdout=PIPE)
    try:
        assert worker.stdout is not None
        tried = [worker.stdout.readline().split() for _ in ITEMS]
    finally:
        worker.terminate()
        worker.communicate(timeout=60)
    assert sorted(tried) == [[b"7", str(item.customer_id).encode(), b"begun"] for item in ITEMS]


def test_hints_stop_when_they_take_long(
    broker: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever starts a run of very many customers does not wait for each of them."""
    monkeypatch.setattr(adapter, "HINT_SECONDS", -1)
    with caplog.at_level(logging.INFO, "billing"):
        CeleryQueue(f"redis+unix://{broker}").hint(ITEMS)
    assert hints_in(broker) == []
    assert "0 of 5 hints are sent" in caplog.text


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Make a certificate of localhost that nobody signed; its key is in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8
    private = key.private_bytes(PEM, form, serialization.NoEncryption())
    path = tmp_path / "certificate.pem"
    path.write_bytes(private + made.public_bytes(PEM))
    return path


def handshakes(certificate: Path, listener: socket.socket, seen: list[str]) -> None:
    """Greet one client with TLS, and note how that went."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    client, _ = listener.accept()
    try:
        context.wrap_socket(client, server_side=True).close()
        seen.append("trusted")
    except ssl.SSLError:
        seen.append("refused")
        client.close()


@pytest.mark.parametrize("scheme", ["rediss", "amqps"])
@pytest.mark.parametrize(
    ("host", "known", "verdict"),
    [
        ("localhost", True, "trusted"),
        ("localhost", False, "refused"),
        ("127.0.0.1", True, "refused"),
    ],
)
def test_a_broker_proves_who_it_is(
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    scheme: str,
    host: str,
    *,
    known: bool,
    verdict: str,
) -> None:
    """With TLS its certificate is checked, and its name; kombu by itself takes any."""
    if known:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    seen: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=handshakes, args=(certificate, listener, seen))
        server.start()
        CeleryQueue(f"{scheme}://{host}:{listener.getsockname()[1]}/0").hint(ITEMS)
        server.join()
    assert seen == [verdict]


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The start stops with the command that installs it."""
    monkeypatch.setattr("billing.bootstrap.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'billing\[celery\]'"):
        open_queue("redis://localhost")
    monkeypatch.setitem(__import__("sys").modules, "billing.adapters.celery.worker", None)
    with pytest.raises(MissingExtraError, match=r"BILLING_QUEUE_URL needs"):
        work_on_hints("redis://localhost", 1, print, begin=print)
