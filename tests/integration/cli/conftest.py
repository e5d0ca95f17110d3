"""Fixtures of the command line's tests: the application in memory, and real processes."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from billing.adapters.memory import MemoryStorage
from billing.bootstrap import Billing, compose
from billing.entrypoints.cli import demo_world
from billing.entrypoints.cli.main import billing as billing_command

SECRET = "a-secret-of-thirty-two-bytes-0123"
START = "from billing.entrypoints.cli.main import main; main()"

Run = Callable[..., Result]


class NoonClock:
    """A clock that stands still."""

    def now(self) -> datetime:
        return datetime(2023, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def billing() -> Billing:
    """Return the application over an empty storage in memory."""
    return compose(MemoryStorage(), clock=NoonClock())


@pytest.fixture
def world(billing: Billing) -> Billing:
    """Return the application with the sample world in it."""
    demo_world.load(billing)
    return billing


@pytest.fixture
def run(billing: Billing) -> Run:
    """Return a function that runs a command on the application in memory."""

    def invoke(*args: str, input: bytes | str | None = None) -> Result:  # noqa: A002 click's name
        return CliRunner().invoke(billing_command, args, input=input, obj=billing)

    return invoke


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a process whose database is a new file."""
    return {
        **os.environ,
        "BILLING_DATABASE_URL": f"sqlite:///{tmp_path / 'billing.db'}",
        "BILLING_JWT_SECRET": SECRET,
    }


@pytest.fixture
def command(environment: dict[str, str]) -> Run:
    """Return a function that runs a command on the database that its settings name."""

    def invoke(*args: str, **settings: str) -> Result:
        return CliRunner().invoke(billing_command, args, env={**environment, **settings})

    return invoke


def start(environment: dict[str, str], *args: str, **streams: Any) -> subprocess.Popen[bytes]:
    """Start `billing` as a process of its own."""
    return subprocess.Popen([sys.executable, "-c", START, *args], env=environment, **streams)
