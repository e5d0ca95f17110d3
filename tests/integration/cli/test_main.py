"""The command itself: what it offers, and how it ends."""

import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from billing.entrypoints.cli import main as main_module
from billing.entrypoints.cli.main import billing as billing_command
from billing.entrypoints.cli.main import main
from tests.integration.cli.conftest import Run, start

COMMANDS = ["serve", "db", "token", "demo", "import", "purge", "unbilled", "reconcile", "report"]


def test_help_lists_the_commands(run: Run) -> None:
    """Whoever calls for help sees what there is."""
    result = run("--help")
    assert result.exit_code == 0
    for name in COMMANDS:
        assert f"\n  {name} " in result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(run: Run, name: str) -> None:
    """Each has help of its own."""
    result = run(name, "-h")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: billing {name}")


def test_help_loads_no_command() -> None:
    """The list is there at once: neither the server nor the database is loaded for it."""
    code = (
        "import sys; sys.argv = ['billing', '--help']\n"
        "from billing.entrypoints.cli.main import main\n"
        "try: main()\n"
        "finally: print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert {"flask", "sqlalchemy", "granian", "rich", "jwt"}.isdisjoint(done.stderr.split())


def test_version_is_said(run: Run) -> None:
    """The version comes from the installed package."""
    result = run("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("billing ")


@pytest.mark.parametrize(
    "args",
    [["nonsense"], ["report", "nonsense"], ["report", "show"], ["report", "show", "1", "--x"]],
)
def test_wrong_usage_exits_with_2(run: Run, args: list[str]) -> None:
    """Usage errors are told apart from refusals."""
    result = run(*args)
    assert result.exit_code == 2
    assert result.stdout == ""


@pytest.mark.parametrize("id_", ["0", "01", "-1", "+1", "1.0", "٣", "9223372036854775808", "x"])
def test_ids_are_read_strictly(run: Run, id_: str) -> None:
    """An id on the command line is what it is in a URL."""
    result = run("report", "show", "--", id_)
    assert result.exit_code == 2
    assert "Not a valid id" in result.stderr


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "sqlite://", "sqlite:///:memory:"])
def test_a_wrong_setting_ends_with_one_line(command: Run, url: str) -> None:
    """The line names the setting or says what is wrong with it; there is no traceback."""
    done = command("report", "list", BILLING_DATABASE_URL=url)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1


def test_a_folder_that_cannot_be_made_ends_with_one_line(command: Run) -> None:
    """A database where no file can be is the user's mistake, said in a line."""
    done = command("report", "list", BILLING_DATABASE_URL="sqlite:////dev/null/x/billing.db")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1


def test_a_reader_that_has_enough_is_no_failure_to_talk_about(
    command: Run, environment: dict[str, str]
) -> None:
    """`billing report list | head -1` says nothing on standard error."""
    command("demo")
    reading, writing = os.pipe()
    with start(environment, "report", "list", stdout=writing, stderr=subprocess.PIPE) as listing:
        os.close(writing)
        os.close(reading)
        _, errors = listing.communicate(timeout=60)
    assert errors == b""
    assert listing.returncode == 1


def test_ctrl_c_exits_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted command says so and exits as a shell expects."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(click.Group, "invoke", interrupted)
    monkeypatch.setattr(sys, "argv", ["billing", "db", "check"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130


@pytest.mark.parametrize(
    ("args", "code"), [(["--version"], None), (["nonsense"], 2), (["report", "show", "x"], 2)]
)
def test_the_process_exits_with_the_commands_code(
    monkeypatch: pytest.MonkeyPatch, args: list[str], code: int | None
) -> None:
    """0 done, 2 wrong usage."""
    monkeypatch.setattr(sys, "argv", ["billing", *args])
    with pytest.raises(SystemExit) as ended:
        main()
    assert (ended.value.code or None) == code


def test_a_command_whose_packages_are_missing_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What to install is said in the refusal."""

    def missing(_: str) -> None:
        raise ModuleNotFoundError("No module named 'granian'", name="granian")

    monkeypatch.setattr(main_module, "import_module", missing)
    result = CliRunner().invoke(billing_command, ["serve"])
    assert result.exit_code != 0
    assert "pip install 'billing[server]'" in result.stderr


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://nobody:secret@127.0.0.1:9/none",
        "sqlite:////proc/nope/billing.db",
        f"sqlite:///{__file__}",
    ],
    ids=["no server", "no folder", "no database"],
)
def test_a_database_that_does_not_answer_is_named_by_its_setting(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line that names the setting and what it takes, and never the password."""
    monkeypatch.setenv("BILLING_DATABASE_URL", url)
    done = CliRunner().invoke(billing_command, ["report", "list"])
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: BILLING_DATABASE_URL: no database answers there")
    assert "secret" not in done.stderr
    assert done.stderr.count("\n") == 1
