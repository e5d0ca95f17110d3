"""`billing purge`: counts on standard output, and a second thought before harm is done."""

from datetime import date

import pytest

from billing.bootstrap import Billing
from billing.domain.access import Access
from billing.domain.catalog import Customer
from billing.domain.orders import Order
from tests.integration.cli.conftest import Run

EVERYTHING = Access.everything()


@pytest.fixture
def orders(billing: Billing) -> Billing:
    """Keep an order of a person for each of two customers."""
    with billing.storage.transaction(EVERYTHING) as tx:
        for customer_id in (1, 2):
            tx.customers.save(Customer(customer_id, "Acme"))
            person = Order(customer_id, 7, order_date=date(2020, 1, 1), ship_to_name="A. Person")
            tx.orders.save([person])
    return billing


def names(billing: Billing) -> list[str | None]:
    """Return the two persons."""
    with billing.storage.snapshot(EVERYTHING) as view:
        return [view.orders.find(customer_id, 7).ship_to_name for customer_id in (1, 2)]


def test_old_orders_are_purged(run: Run, orders: Billing) -> None:
    """Of all customers, once."""
    done = run("purge", "--before", "2020-01-02")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == "2 orders purged, 0 reports keep such fields as evidence\n"
    assert names(orders) == [None, None]
    again = run("purge", "--before", "2020-01-02")
    assert again.stdout == "0 orders purged, 0 reports keep such fields as evidence\n"


def test_one_customer_or_none_are_purged(run: Run, orders: Billing) -> None:
    """A dry run says so; neither the day itself nor another customer is touched."""
    dry = run("purge", "--before", "2020-01-02", "--dry-run")
    assert dry.stderr == "Dry run: nothing was changed.\n"
    assert dry.stdout.startswith("2 orders purged")
    assert run("purge", "--before", "2020-01-01").stdout.startswith("0 orders purged")
    assert names(orders) == ["A. Person", "A. Person"]
    one = run("purge", "--before", "2020-01-02", "--customer", "2")
    assert one.stdout.startswith("1 orders purged")
    assert names(orders) == ["A. Person", None]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ((), 2),
        (("--before", "yesterday"), 2),
        (("--before", "2023-05-02"), 2),
        (("--before", "2020-01-02", "--customer", "x"), 2),
        (("--before", "2020-01-02", "--customer", "9"), 1),
    ],
)
def test_what_cannot_be_meant_is_refused(
    run: Run, orders: Billing, options: tuple[str, ...], code: int
) -> None:
    """A day to come would take in orders that nobody has billed yet."""
    done = run("purge", *options)
    assert (done.exit_code, done.stdout) == (code, "")
    assert names(orders) == ["A. Person", "A. Person"]
