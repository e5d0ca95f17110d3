"""Catalog rows: how a row becomes a Customer or a Service."""

from collections.abc import Callable, Mapping, Sequence

from billing.domain.audit import Change
from billing.domain.bulk_intake import Cells, InvalidRowError
from billing.domain.catalog import Customer, Service, check_currency, check_time_zone
from billing.domain.catalog_changes import catalog_changes
from billing.domain.fields import is_id, read_id, read_text, require_text
from billing.domain.ports import Repositories
from billing.domain.repositories import Outcome
from billing.domain.row_reading import Reader, cell_id, read_fields, values_of_cells

_CUSTOMER: dict[str, Reader] = {
    "id": read_id,
    "name": require_text,
    "currency": lambda value: _checked(value, check_currency),
    "time_zone": lambda value: _checked(value, check_time_zone),
}
_SERVICE: dict[str, Reader] = {"id": read_id, "name": require_text, "description": read_text}


def read_customer(row: Mapping[str, object], existing: Customer | None) -> Customer:
    """Read a customer; a currency or time zone left out keeps its value.

    Raises InvalidRowError with everything that is wrong.
    """
    values = read_fields(row, _CUSTOMER, ("id", "name"))
    for name in ("currency", "time_zone"):
        if values.get(name) is None:
            values[name] = getattr(existing or Customer(1, "defaults"), name)
    return Customer(**values)


def read_service(row: Mapping[str, object]) -> Service:
    """Read a service. Raises InvalidRowError with everything that is wrong."""
    return Service(**read_fields(row, _SERVICE, ("id", "name")))


class CustomerRows:
    """Reads and saves customers; one object serves one call."""

    key_field = "id"

    def __init__(self) -> None:
        self.ignored_columns: list[str] = []
        self._existing: dict[int, Customer] = {}
        self._changes: list[Change] = []

    def begin(self, row: dict[str, object], /) -> dict[str, object]:
        """Leave the row as it is: it is small."""
        return row

    def read(
        self, tx: Repositories, rows: Sequence[dict[str, object]], /
    ) -> list[Customer | InvalidRowError]:
        """Read a batch; what the customers were is looked up once for all of them."""
        named = [_values(row, _CUSTOMER, self.ignored_columns) for row in rows]
        ids = [row.get("id") for row in named if isinstance(row, dict)]
        self._existing = tx.customers.held({id_ for id_ in ids if is_id(id_)})
        return [
            row if isinstance(row, InvalidRowError) else _verdict(row, self._existing)
            for row in named
        ]

    def key(self, customer: Customer, /) -> int:
        """A customer is known by its id."""
        return customer.id

    def save(self, tx: Repositories, customers: Sequence[Customer], /) -> list[Outcome]:
        """Save a batch."""
        outcomes = [tx.customers.save(customer) for customer in customers]
        saved = zip(customers, outcomes, strict=True)
        self._changes += catalog_changes(self._existing, saved)
        return outcomes

    def changes(self) -> Sequence[Change]:
        """One a customer: each is seen by those who see the customer."""
        return self._changes


class ServiceRows:
    """Reads and saves services; one object serves one call."""

    key_field = "id"

    def __init__(self) -> None:
        self.ignored_columns: list[str] = []
        self._existing: dict[int, Service] = {}
        self._changes: list[Change] = []

    def begin(self, row: dict[str, object], /) -> dict[str, object]:
        """Leave the row as it is: it is small."""
        return row

    def read(
        self, tx: Repositories, rows: Sequence[dict[str, object]], /
    ) -> list[Service | InvalidRowError]:
        """Read a batch."""
        verdicts: list[Service | InvalidRowError] = []
        for row in rows:
            values = _values(row, _SERVICE, self.ignored_columns)
            try:
                verdicts.append(
                    values if isinstance(values, InvalidRowError) else read_service(values)
                )
            except InvalidRowError as error:
                verdicts.append(error)
        ids = {verdict.id for verdict in verdicts if isinstance(verdict, Service)}
        self._existing = tx.services.held(ids)
        return verdicts

    def key(self, service: Service, /) -> int:
        """A service is known by its id."""
        return service.id

    def save(self, tx: Repositories, services: Sequence[Service], /) -> list[Outcome]:
        """Save a batch."""
        outcomes = [tx.services.save(service) for service in services]
        self._changes += catalog_changes(self._existing, zip(services, outcomes, strict=True))
        return outcomes

    def changes(self) -> Sequence[Change]:
        """One a service."""
        return self._changes


def _checked(value: object, check: Callable[[str], str]) -> str | None:
    text = read_text(value)
    return None if text is None else check(text)


def _values(
    row: dict[str, object], readers: Mapping[str, Reader], ignored: list[str]
) -> dict[str, object] | InvalidRowError:
    if not isinstance(row, Cells):
        return row
    try:
        return values_of_cells(row, readers.keys(), {"id": cell_id}, ignored)
    except InvalidRowError as error:
        return error


def _verdict(
    row: dict[str, object], existing: Mapping[int, Customer]
) -> Customer | InvalidRowError:
    try:
        customer_id = row.get("id")
        return read_customer(row, existing.get(customer_id) if is_id(customer_id) else None)
    except InvalidRowError as error:
        return error
