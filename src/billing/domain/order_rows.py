"""Order rows: how a row of a warehouse's export becomes an Order."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from zoneinfo import ZoneInfo

from billing.domain.audit import Change
from billing.domain.bulk_intake import Cells, InvalidRowError
from billing.domain.catalog import Customer
from billing.domain.errors import CustomerNotFoundError, InvalidValueError, ServiceNotFoundError
from billing.domain.fields import is_id, read_id, read_notes, read_quantity, read_text
from billing.domain.order_fields import plain_items, read_charges, read_items, read_order_date
from billing.domain.orders import QUANTITY_FIELDS, TEXT_FIELDS, Order
from billing.domain.ports import Repositories
from billing.domain.repositories import Outcome
from billing.domain.row_reading import (
    Reader,
    cell_id,
    cell_json,
    read_fields,
    values_of_cells,
)

ALIASES = {
    "transaction_id": "order_id",
    "close_date": "order_date",
    "ship_to_zip": "ship_to_postal_code",
    "sku_quantity": "items",
}
FIELDS = (
    "customer_id",
    "order_id",
    "order_date",
    *TEXT_FIELDS,
    *QUANTITY_FIELDS,
    "items",
    "charges",
)
_KNOWN = frozenset(FIELDS) | ALIASES.keys()
_CELLS: dict[str, Callable[[str], object]] = {
    "customer_id": cell_id,
    "order_id": cell_id,
    "transaction_id": cell_id,
    "items": cell_json,
    "sku_quantity": cell_json,
    "charges": cell_json,
}


class OrderRows:
    """Reads and saves orders; one object serves one call, for it remembers whom it looked up."""

    key_field = "order_id"

    def __init__(self) -> None:
        self.ignored_columns: list[str] = []
        self._customers: dict[int, Customer | None] = {}
        self._readers: dict[int, dict[str, Reader]] = {}
        self._services: dict[int, bool] = {}
        self._fixed: set[int] = set()

    def begin(self, row: dict[str, object], /) -> dict[str, object]:
        """Read the items if they are as items mostly are: they are nine tenths of a row."""
        items = row.get("items")
        lines = plain_items(items) if isinstance(items, list) else None
        return row if lines is None else {**row, "items": lines}

    def read(
        self, tx: Repositories, rows: Sequence[dict[str, object]], /
    ) -> list[Order | InvalidRowError]:
        """Read a batch of rows; customers and services are looked up once for all of them."""
        named = [self._named(row) for row in rows]
        self._look_up_customers(tx, (row for row in named if isinstance(row, dict)))
        verdicts = [self._order(row) if isinstance(row, dict) else row for row in named]
        charged = [order for order in verdicts if isinstance(order, Order) and order.charges]
        if charged:
            self._look_up_services(tx, {c.service_id for order in charged for c in order.charges})
            verdicts = [self._with_known_services(verdict) for verdict in verdicts]
        return verdicts

    def check_shape(self, row: Mapping[str, object]) -> None:
        """Raise InvalidRowError for what is wrong with an order whoever its customer is."""
        readers = self._readers_for(None)
        try:
            read_fields(_canonical_names(dict(row)), readers, ())
        except InvalidRowError as error:
            raise InvalidRowError(*(problem.at("order") for problem in error.problems)) from None

    def key(self, order: Order, /) -> tuple[int, int]:
        """An order is known by its customer and its id together."""
        return order.customer_id, order.order_id

    def save(self, tx: Repositories, orders: Sequence[Order], /) -> Sequence[Outcome]:
        """Save a batch; a customer's first charge fixes its currency."""
        charged = {order.customer_id for order in orders if order.charges} - self._fixed
        if charged:
            tx.customers.fix_currency(charged)
            self._fixed |= charged
        return tx.orders.save(orders)

    def changes(self) -> Sequence[Change]:
        """None: orders are what the warehouse says, and come by the million."""
        return ()

    def _named(self, row: dict[str, object]) -> dict[str, object] | InvalidRowError:
        try:
            if isinstance(row, Cells):
                row = values_of_cells(row, _KNOWN, _CELLS, self.ignored_columns)
            return _canonical_names(row)
        except InvalidRowError as error:
            return error

    def _look_up_customers(self, tx: Repositories, rows: Iterable[dict[str, object]]) -> None:
        ids = [row.get("customer_id") for row in rows]
        unseen = {id_ for id_ in ids if is_id(id_) and id_ not in self._customers}
        if unseen:
            known = tx.customers.known(unseen)
            for customer_id in unseen:
                self._customers[customer_id] = known.get(customer_id)

    def _order(self, row: dict[str, object]) -> Order | InvalidRowError:
        customer_id = row.get("customer_id")
        customer = self._customers.get(customer_id) if is_id(customer_id) else None
        if customer is None and is_id(customer_id):
            missing = str(CustomerNotFoundError(customer_id))
            return InvalidRowError(InvalidValueError(missing, field="customer_id"))
        try:
            values = read_fields(row, self._readers_for(customer), ("customer_id", "order_id"))
        except InvalidRowError as error:
            return error
        return Order(**values)

    def _readers_for(self, customer: Customer | None) -> dict[str, Reader]:
        """Return the readers of a customer's fields: its time zone and currency decide some."""
        key = 0 if customer is None else customer.id
        if key not in self._readers:
            zone = "UTC" if customer is None else customer.time_zone
            decimals = 2 if customer is None else customer.decimals
            self._readers[key] = {
                **_READERS,
                "order_date": partial(read_order_date, zone=ZoneInfo(zone)),
                "charges": partial(read_charges, decimals=decimals),
            }
        return self._readers[key]

    def _look_up_services(self, tx: Repositories, service_ids: set[int]) -> None:
        unseen = service_ids - self._services.keys()
        if unseen:
            known = tx.services.known(unseen)
            self._services.update((id_, id_ in known) for id_ in unseen)

    def _with_known_services(self, verdict: Order | InvalidRowError) -> Order | InvalidRowError:
        if isinstance(verdict, InvalidRowError):
            return verdict
        problems = [
            InvalidValueError(
                str(ServiceNotFoundError(charge.service_id)), field=f"charges[{index}].service_id"
            )
            for index, charge in enumerate(verdict.charges)
            if not self._services[charge.service_id]
        ]
        return InvalidRowError(*problems) if problems else verdict


def _canonical_names(row: dict[str, object]) -> dict[str, object]:
    """Rename what warehouse exports call otherwise; one thing under two names is refused."""
    if ALIASES.keys().isdisjoint(row):
        return row
    renamed: dict[str, object] = {}
    for name, value in row.items():
        canonical = ALIASES.get(name, name)
        if canonical in renamed:
            problem = "Given twice, under two names: keep one of them."
            raise InvalidRowError(InvalidValueError(problem, field=name))
        if name == "sku_quantity" and isinstance(value, dict):
            renamed[canonical] = [{"sku": sku, "quantity": qty} for sku, qty in value.items()]
        else:
            renamed[canonical] = value
    return renamed


def _quantity_or_none(value: object) -> object:
    return None if value is None else read_quantity(value)


_READERS: dict[str, Reader] = {
    **dict.fromkeys(("customer_id", "order_id"), read_id),
    **dict.fromkeys(TEXT_FIELDS, read_text),
    "notes": read_notes,
    **dict.fromkeys(QUANTITY_FIELDS, _quantity_or_none),
    "items": read_items,
}
