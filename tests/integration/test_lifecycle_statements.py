"""Finalizing and voiding take a number of statements that hardly grows with the orders."""

from collections.abc import Callable

from billing.bootstrap import Billing
from billing.domain.audit import Author
from billing.testing.world import ACME, EVERYTHING, JANUARY, order

AUTHOR = Author("counter")


def test_statements_do_not_grow_with_orders(app: Billing, statements: list[str]) -> None:
    """8,000 more orders are one more read of pages, and no more than one more of claims."""
    counts = []
    for orders in (3_000, 11_000):
        with app.storage.transaction(EVERYTHING) as tx:
            tx.orders.save([order(ACME, number) for number in range(1, orders)])
        report_id = app.generator.generate(ACME, JANUARY).id
        counts.append([counted(app, report_id, move, statements) for move in (finalize, void)])
    (small_finalize, small_void), (large_finalize, large_void) = counts
    assert large_finalize <= small_finalize + 5  # On SQLite BEGIN is a statement, too.
    assert large_void == small_void


def counted(
    app: Billing, report_id: int, move: Callable[[Billing, int], object], statements: list[str]
) -> int:
    """Return how many statements a move takes."""
    statements.clear()
    move(app, report_id)
    return len(statements)


def finalize(app: Billing, report_id: int) -> object:
    """Make a report final."""
    return app.lifecycle.finalize(report_id, author=AUTHOR)


def void(app: Billing, report_id: int) -> object:
    """Make a report void."""
    return app.lifecycle.void(report_id, author=AUTHOR, reason="counted")
