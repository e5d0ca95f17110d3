"""`billing report finalize` and `void`."""

import getpass
import json

import pytest

from billing.bootstrap import Billing
from tests.integration.cli.conftest import Run

ACCEPT = ("--accept-exceptions", "--reason", "agreed by phone")


def test_finalize_shows_who_when_and_why(run: Run, world: Billing) -> None:
    """The report is shown with what became of it; the message is on standard error."""
    exceptions = world.archive.open(1).content.exception_count
    result = run("report", "finalize", "1", *ACCEPT)
    assert (result.exit_code, result.stderr) == (0, "Report 1 is final.\n")
    assert "Report     1 (final)" in result.stdout
    shown = run("report", "show", "1").stdout
    assert shown == result.stdout
    assert f"os-user:{getpass.getuser()}" in shown
    assert "agreed by phone" in shown
    assert f"accepted exceptions {exceptions}" in shown
    (entry,) = world.lifecycle.history(1)
    assert entry.author.request_id is None


def test_void_takes_a_reason(run: Run, world: Billing) -> None:
    """Without one nothing happens; with one it is kept."""
    assert run("report", "void", "1").exit_code == 2
    assert run("report", "void", "1", "--reason", " ").exit_code == 2
    assert run("report", "void", "1", "--reason", "a\nb").exit_code == 2
    assert world.lifecycle.history(1) == []
    result = run("report", "void", "1", "--reason", "wrong prices", "--format", "json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["status"] == "void"
    assert world.lifecycle.history(1)[0].details["reason"] == "wrong prices"


def test_a_report_supersedes_another(run: Run, world: Billing) -> None:
    """The other one is void then, and says by what."""
    content = world.archive.open(1).content
    world.generator.generate(content.customer_id, content.period)
    assert run("report", "finalize", "1", *ACCEPT).exit_code == 0
    result = run("report", "finalize", "3", *ACCEPT)
    assert result.exit_code == 1
    assert "Final reports already bill orders of report 3" in result.stderr
    result = run("report", "finalize", "3", *ACCEPT, "--supersedes", "1")
    assert result.exit_code == 0
    assert "supersedes 1" in result.stdout
    assert "superseded by 3" in run("report", "show", "1").stdout


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("args", "code", "why"),
    [
        (("finalize", "99"), 1, "Report 99 not found"),
        (("finalize", "1"), 1, "not, or not fully, billed"),
        (("finalize", "1", "--accept-exceptions"), 1, "give the reason"),
        (("finalize", "1", *ACCEPT, "--supersedes", "1"), 1, "cannot supersede itself"),
        (("finalize", "1", "--reason", "x" * 256), 2, "255"),
        (("finalize", "x"), 2, "id"),
        (("void", "99", "--reason", "x"), 1, "Report 99 not found"),
    ],
)
def test_what_is_refused(run: Run, args: tuple[str, ...], code: int, why: str) -> None:
    """A refusal is one line that says why."""
    result = run("report", *args)
    assert (result.exit_code, result.stdout) == (code, "")
    assert why in result.stderr
