"""`billing demo`: the sample world from the command line."""

from billing.bootstrap import Billing
from billing.domain.catalog_rows import CustomerRows
from billing.domain.report_query import ReportQuery
from tests.integration.cli.conftest import Run


def test_demo_loads_the_world_once(run: Run, billing: Billing) -> None:
    """The second call says that nothing changed."""
    assert "is loaded" in run("demo").stderr
    assert billing.archive.count(ReportQuery()) == 2
    again = run("demo")
    assert again.exit_code == 0
    assert "nothing changed" in again.stderr
    assert billing.archive.count(ReportQuery()) == 2


def test_demo_if_empty_leaves_others_alone(run: Run, billing: Billing) -> None:
    """With any customer there it does nothing, and that is no failure."""
    billing.intake.store([{"id": 123, "name": "Somebody"}], CustomerRows())
    result = run("demo", "--if-empty")
    assert result.exit_code == 0
    assert "nothing was loaded" in result.stderr
    assert billing.archive.count(ReportQuery()) == 0


def test_demo_if_empty_loads_an_empty_database(run: Run, billing: Billing) -> None:
    """Which is what a first start needs."""
    run("demo", "--if-empty")
    assert billing.archive.count(ReportQuery()) == 2


def test_demo_never_replaces_a_customer(run: Run, billing: Billing) -> None:
    """It ends with one line that says whom it found."""
    billing.intake.store([{"id": 123, "name": "Somebody"}], CustomerRows())
    result = run("demo")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: Customer 123 is there already as Somebody")
