"""What is unbilled and what became of orders takes a number of statements that hardly grows."""

from billing.bootstrap import Billing
from billing.domain.audit import Author
from billing.domain.order_states import OrderState, ReconciledOrder
from billing.domain.report_query import Slice
from billing.testing.world import ACME, EVERYTHING, JANUARY, order

PAGES = 16
"""How many more pages of 500 orders the larger world has, of those that are billed."""


def unbilled(app: Billing) -> int:
    """Return how many orders are unbilled."""
    with app.storage.snapshot(EVERYTHING) as view:
        return sum(1 for _ in view.orders.page(ACME, None, None, Slice(), unbilled=True))


def bill_the_rest(app: Billing) -> int:
    """Price the unbilled orders, and keep nothing."""
    with app.generator.prepare(ACME, JANUARY, only_unbilled=True) as prepared:
        return prepared.content.order_count


def reconcile(app: Billing) -> int:
    """Reconcile, and return how many orders are open."""
    taken: list[ReconciledOrder] = []
    app.reconciliation.run(taken.append, period=JANUARY, customer_id=ACME)
    assert {order.state for order in taken} == {OrderState.BILLED, OrderState.DRAFT}
    return sum(order.state is OrderState.DRAFT for order in taken)


def test_statements_do_not_grow_with_orders(app: Billing, statements: list[str]) -> None:
    """A page of 500 billed orders is one look-up of its orders; sixteen pages are one read."""
    counts: list[list[int]] = []
    for number, orders in enumerate((500, 500 * (PAGES + 1))):
        first = 1 + number * 500
        with app.storage.transaction(EVERYTHING) as tx:
            tx.orders.save([order(ACME, order_id) for order_id in range(first, orders + 1)])
        report = app.generator.generate(ACME, JANUARY, only_unbilled=True)
        app.lifecycle.finalize(report.id, author=Author("counter"))
        with app.storage.transaction(EVERYTHING) as tx:
            open_orders = range(100_000, 100_000 + orders)
            tx.orders.save([order(ACME, order_id) for order_id in open_orders])
        draft = app.generator.generate(ACME, JANUARY, only_unbilled=True)
        counts.append([])
        for act in (unbilled, bill_the_rest, reconcile):
            statements.clear()
            assert act(app) == orders
            counts[-1].append(len(statements))
        app.lifecycle.void(draft.id, author=Author("counter"), reason="counted")
        with app.storage.transaction(EVERYTHING) as tx:  # The larger world starts with none open.
            cancelled = [order(ACME, i)._replace(status="cancelled") for i in open_orders]
            tx.orders.save(cancelled)
    (few_unbilled, few_rest, few_reconciled), (unbilled_, rest, reconciled) = counts
    assert unbilled_ == few_unbilled
    assert rest == few_rest
    assert reconciled <= few_reconciled + 2 * PAGES
