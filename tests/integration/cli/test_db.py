"""`billing db`, and which database the other commands find."""

from collections.abc import Callable
from pathlib import Path

from tests.integration.cli.conftest import Run


def test_check_fails_until_the_database_is_upgraded(command: Run) -> None:
    """Upgrade may be repeated; check exits with 1 and says what to do."""
    behind = command("db", "check")
    assert behind.exit_code == 1
    assert "run billing db upgrade" in behind.stderr
    assert command("db", "upgrade").exit_code == 0
    assert command("db", "upgrade").exit_code == 0
    assert command("db", "check").exit_code == 0


def test_memory_needs_no_upgrade(command: Run) -> None:
    """It has no revisions, which is no failure."""
    done = command("db", "check", BILLING_DATABASE_URL="memory://")
    assert (done.exit_code, done.stdout) == (0, "")


def test_commands_migrate_a_database_that_is_a_file(command: Run, tmp_path: Path) -> None:
    """The first command on a new file finds it ready; what one stores the next one sees."""
    loaded = command("demo")
    assert (loaded.exit_code, loaded.stdout) == (0, "")
    shown = command("report", "show", "1")
    assert "ACME Corp" in shown.stdout
    assert (tmp_path / "billing.db").exists()


def test_commands_ask_that_a_server_is_migrated(
    command: Run, postgres_url: Callable[[], str]
) -> None:
    """A shared database is upgraded on purpose, never on the way."""
    url = postgres_url()
    behind = command("report", "list", BILLING_DATABASE_URL=url)
    assert behind.exit_code == 1
    assert "run billing db upgrade" in behind.stderr
    assert command("db", "upgrade", BILLING_DATABASE_URL=url).exit_code == 0
    assert command("demo", BILLING_DATABASE_URL=url).exit_code == 0
    assert "nothing changed" in command("demo", BILLING_DATABASE_URL=url).stderr


def test_a_database_that_does_not_answer_is_one_line(command: Run, tmp_path: Path) -> None:
    """A server that is away ends with a sentence."""
    url = f"postgresql+psycopg://nobody@/none?host={tmp_path}"
    done = command("report", "list", BILLING_DATABASE_URL=url)
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1


def test_help_of_the_group_needs_no_database(run: Run) -> None:
    """Help is there before anything is set up."""
    assert run("db", "--help").exit_code == 0


def test_a_database_in_memory_is_said_to_be_one(command: Run) -> None:
    """What is stored there is gone with the command, which nobody should find out later."""
    done = command("demo", BILLING_DATABASE_URL="memory://")
    assert done.exit_code == 0
    assert done.stderr.startswith("The database is in memory: nothing outlives this command.\n")
