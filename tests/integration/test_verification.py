"""Verification: whatever is changed behind the application's back is found and named."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from billing.adapters.sql.storage import SqlStorage
from billing.bootstrap import Billing, compose
from billing.domain.audit import Author
from billing.domain.catalog import Product
from billing.domain.pages import deflate, inflate
from billing.domain.rate_reading import read_rates
from billing.entrypoints.cli.main import billing as command_line
from billing.testing.world import (
    ACME,
    EVERYTHING,
    JANUARY,
    NOON,
    WIDGETS,
    TickingClock,
    fill,
    order,
)

CASES = read_rates(
    [{"service_id": 1, "price": {"model": "unit", "measure": "cases", "unit_price": "2.00"}}]
)
READ_PAGE = "SELECT body FROM report_pages WHERE report_id = 1 AND section = ? AND number = ?"
WRITE_PAGE = (
    "UPDATE report_pages SET body = ?, length = ? "
    "WHERE report_id = 1 AND section = ? AND number = ?"
)


class Tampered:
    """A database with three reports, and ways to change it as nobody should."""

    def __init__(self, path: Path, app: Billing) -> None:
        self.path = path
        self.app = app

    def sql(self, statement: str, *values: object) -> None:
        """Change something that must be there."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            assert connection.execute(statement, values).rowcount > 0

    def text(self, section: str, number: int, old: bytes, new: bytes) -> None:
        """Replace a text in a page, and all that is said of the page with it."""
        with closing(sqlite3.connect(self.path)) as connection:
            (body,) = connection.execute(READ_PAGE, (section, number)).fetchone()
        before = inflate(body)
        assert before.count(old) >= 1
        after = before.replace(old, new, 1)
        self.sql(WRITE_PAGE, deflate(after), len(after), section, number)

    def difference(self) -> str | None:
        """Verify the report, and see that the others are whole."""
        first, *others = self.app.verification.verify_all()
        assert [verdict.difference for verdict in others] == [None, None]
        return first.difference


@pytest.fixture
def tampered(tmp_path: Path) -> Iterator[Tampered]:
    """Return a database of a final report of two pages and two drafts, all of them whole."""
    path = tmp_path / "billing.db"
    storage = SqlStorage.open(f"sqlite:///{path}")
    storage.upgrade()
    fill(storage)
    app = compose(storage, clock=TickingClock())
    with storage.transaction(EVERYTHING) as tx:
        tx.products.save([Product(ACME, "AB-1", 5)])
        tx.rate_cards.add(ACME, JANUARY.start, CASES, NOON)
        tx.rate_cards.add(WIDGETS, JANUARY.start, CASES, NOON)
        tx.orders.save([order(ACME, number) for number in range(10, 700)])
        tx.orders.save([order(ACME, 5, day=1)._replace(status="cancelled")])
    app.generator.generate(ACME, JANUARY)
    app.generator.generate(ACME, JANUARY, services=[1])
    app.generator.generate(WIDGETS, JANUARY)
    app.lifecycle.finalize(1, author=Author("alice"))
    case = Tampered(path, app)
    assert case.difference() is None
    yield case
    storage.close()


@pytest.mark.parametrize(
    ("section", "number", "old", "new", "difference"),
    [
        (
            "orders",
            2,
            b'"total_amount":4.00',
            b'"total_amount":5.00',
            "orders, order 508, total_amount: 5.00 in the report, 4.00 when billed again",
        ),
        ("orders", 1, b'"service_name":"Picking"', b'"service_name":"Peeking"', "orders, order 2,"),
        ("orders", 1, b'"order_id":10,', b'"order_id":11,', "orders, page 1: order 11 in the"),
        ("orders", 1, b'"order_id":10,', b'"order_id": 10,', "orders, page 1: the same, but not"),
        ("orders", 1, b'"total_amount":4.00', b'"total_amount":4.0', "orders, order 2, total_am"),
        ("orders", 1, b"{", b"[", "orders, page 1: cannot be read"),
        ("exceptions", 1, b"cancelled", b"canceled_", "exceptions, order 5, reason: "),
        ("evidence", 2, b'["AB-1",10]', b'["AB-1",15]', "orders, order 507, total_amount: 4.00"),
        ("evidence", 2, b'"AB-1",10', b'"AB-1",10.0', "evidence, order 507, items"),
        ("evidence", 1, b'"status":"cancelled",', b"", "orders, page 1: order 2 in the report, "),
        ("evidence", 1, b'"ab1":5', b'"ab1":6', "evidence: cannot be read: order "),
        ("evidence", 1, b'"card":3', b'"card":1', "evidence, order 5, units_per_case: "),
        ("evidence", 1, b'"card":3', b'"card":4', "evidence, order 5: cannot be billed again: "),
        ("evidence", 1, b'"card":3', b'"card":99', "evidence, order 5: cannot be billed again: "),
        ("evidence", 1, b'"order_date":"2023-01-15"', b'"order_date":"2024-01-15"', "evidence, "),
        ("evidence", 1, b'"order_id":11,', b'"order_id":9,', "evidence, after order 10: can"),
        ("evidence", 1, b'"order_id":11,', b'"id":11,', "evidence, after order 10: cannot"),
        ("evidence", 1, b"{", b"", "evidence: cannot be read: "),
    ],
)
def test_a_changed_page_is_found(
    tampered: Tampered, section: str, number: int, old: bytes, new: bytes, difference: str
) -> None:
    """The order and what of it differs are named, or why it cannot be read."""
    tampered.text(section, number, old, new)
    found = tampered.difference()
    assert found is not None
    assert found.startswith(difference)


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ("UPDATE reports SET total_units = 7 WHERE id = 1", "total_amount: 7.00 in the report, "),
        ("UPDATE reports SET order_count = 7 WHERE id = 1", "order_count: 7 in the report, 692 "),
        ("UPDATE reports SET exception_count = 7 WHERE id = 1", "exception_count: 7 in the rep"),
        ("UPDATE reports SET content_hash = 'x' WHERE id = 1", "content_hash: it does not fit"),
        ("UPDATE reports SET letterhead = 'Mine' WHERE id = 1", "content_hash: it does not fit"),
        ("UPDATE reports SET customer_name = 'Me' WHERE id = 1", "content_hash: it does not fit"),
        ("UPDATE reports SET end_date = '2023-02-01' WHERE id = 1", "content_hash: it does not"),
        (
            "UPDATE reports SET end_date = '2023-01-14' WHERE id = 1",
            "evidence, after order 2: cannot",
        ),
        (
            "UPDATE reports SET service_totals = replace(service_totals, 'amount', 'x') WHERE id=1",
            "header: cannot be read",
        ),
        (
            "UPDATE reports SET service_totals = replace(service_totals, '.00', '.01') WHERE id=1",
            "total of service 1: 2768.01 in the report, 2768.00 when billed again",
        ),
        ("UPDATE reports SET service_totals = '{}' WHERE id = 1", "evidence, order 2: cannot be"),
        ("UPDATE report_pages SET body = x'00' WHERE report_id = 1 AND section = 'orders'", "ord"),
        ("UPDATE report_pages SET high_order = 1 WHERE report_id = 1 AND section = 'orders'", "or"),
        (
            "DELETE FROM report_pages WHERE report_id = 1 AND section = 'orders' AND number = 2",
            "orders, page 2: missing",
        ),
        (
            "DELETE FROM report_pages WHERE report_id = 1 AND section = 'evidence' AND number = 2",
            "orders, page 1: order 507 in the report, no order when billed again",
        ),
        (
            "DELETE FROM report_pages WHERE report_id = 1 AND section = 'exceptions'",
            "exceptions, page 1: missing",
        ),
        ("DELETE FROM claims WHERE order_id = 11", "claims: final, it holds 691 orders, not 692"),
        ("UPDATE reports SET status = 'void' WHERE id = 1", "claims: void, it holds 692 orders"),
    ],
)
def test_a_changed_row_is_found(tampered: Tampered, change: str, difference: str) -> None:
    """Header, totals, pages and claims."""
    tampered.sql(change)
    found = tampered.difference()
    assert found is not None
    assert found.startswith(difference), found


def test_a_changed_card_is_found(tampered: Tampered) -> None:
    """In every report that it priced, and in no other."""
    tampered.sql("UPDATE rate_cards SET rates = replace(rates, '2.00', '2.01') WHERE id = 3")
    differences = [v.difference for v in tampered.app.verification.verify_all()]
    said = "orders, order 2, total_amount: 4.00 in the report, 4.02 when billed again"
    assert differences == [said, said, None]


def test_the_command_names_each_broken_report(tampered: Tampered) -> None:
    """One line each on standard output, and exit code 1; without any, what was proven."""

    def verify(*args: str) -> Result:
        return CliRunner().invoke(command_line, ["report", "verify", *args], obj=tampered.app)

    whole = verify("--all")
    assert whole.exit_code == 0
    assert whole.stdout == "Billed again to the same bytes and hash: 3 of 3 reports.\n"
    tampered.sql("UPDATE reports SET order_count = 7 WHERE id IN (1, 3)")
    broken = verify("--all")
    assert (broken.exit_code, broken.stderr) == (1, "Error: Not what was filed: 2 of 3 reports.\n")
    assert broken.stdout == (
        "Report 1: order_count: 7 in the report, 692 when billed again\n"
        "Report 3: order_count: 7 in the report, 0 when billed again\n"
    )
    assert verify("2").exit_code == 0
    assert verify("3").exit_code == 1
    assert verify("9").stderr == "Error: Report 9 not found\n"
    assert verify().exit_code == 2
    assert verify("1", "--all").exit_code == 2
