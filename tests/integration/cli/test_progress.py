"""Progress: a bar for a person at a terminal, and silence for everything else."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.integration.cli.conftest import start


@pytest.fixture
def file(tmp_path: Path) -> str:
    """Return a file of services."""
    path = tmp_path / "services.csv"
    path.write_text("id,name\n" + "".join(f"{n},Service {n}\n" for n in range(1, 2_000)))
    return str(path)


def shown(environment: dict[str, str], file: str) -> str:
    """Import the file with standard error on a terminal, and return what it shows."""
    ours, theirs = os.openpty()
    with start(
        environment, "import", "services", file, stdout=subprocess.PIPE, stderr=theirs
    ) as run:
        os.close(theirs)
        parts = []
        while part := _read(ours):
            parts.append(part)
        out, _ = run.communicate(timeout=60)
    os.close(ours)
    assert out.startswith(b"1999 received, 1999 created")
    return b"".join(parts).decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # How Linux says that nobody writes to the terminal any more.
        return b""


def test_a_terminal_shows_a_bar(environment: dict[str, str], file: str) -> None:
    """It names the file, and the result stays clean on standard output."""
    text = shown({**environment, "TERM": "xterm-256color", "COLUMNS": "200"}, file)
    assert "Reading" in text
    assert "\x1b[38" in text


def test_no_color_is_respected(environment: dict[str, str], file: str) -> None:
    """The bar has no colours then."""
    settings = {"TERM": "xterm-256color", "COLUMNS": "200", "NO_COLOR": "1"}
    text = shown({**environment, **settings}, file)
    assert "Reading" in text
    assert "\x1b[38" not in text


def test_a_pipe_sees_no_bar(environment: dict[str, str], file: str) -> None:
    """Standard error of a script stays silent."""
    with start(
        environment, "import", "services", file, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        out, errors = run.communicate(timeout=60)
    assert (errors, run.returncode) == (b"", 0)
    assert out == b"1999 received, 1999 created, 0 updated, 0 unchanged, 0 skipped\n"
