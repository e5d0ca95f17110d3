"""Conversion: an export's tables as rows of this system, and all that could not be turned."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from billing.adapters.legacy.groups import Conditions
from billing.adapters.legacy.products import product_of
from billing.adapters.legacy.rates import Habits, habits_of, rate_of
from billing.adapters.legacy.tables import Export, Record, Remark, Remarks, key_of, number_of
from billing.domain.bulk_intake import InvalidRowError
from billing.domain.catalog_rows import read_customer, read_service
from billing.domain.errors import CustomerNotFoundError, InvalidValueError

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """What the storage holds already. case_customers: those with a product that has a case."""

    customers: Mapping[int, str] = field(default_factory=dict)
    services: Mapping[int, str] = field(default_factory=dict)
    case_customers: Collection[int] = frozenset()


NOTHING_KNOWN = Known()


@dataclass(frozen=True, slots=True)
class Conversion:
    """The rows to import, kinds in the order to import them.

    unturned: what is left out, and why. notes: what was turned but should be looked at.
    """

    customers: list[Row]
    services: list[Row]
    products: list[Row]
    cards: list[Row]
    unturned: list[Remark]
    notes: list[Remark]


def convert(
    export: Export,
    effective_from: date,
    *,
    known: Known = NOTHING_KNOWN,
    several_groups: Literal["all", "any"] = "any",
) -> Conversion:
    """Turn an export; its cards are in force from that day on.

    several_groups: how the rule groups of one customer service combine.
    """
    unturned, notes = Remarks(), Remarks()
    customers = _turned(export, "customers", _customer(known), unturned)
    services = _turned(export, "services", _service(known), unturned)
    reachable = _reachable(export, known, (row["id"] for row, _ in customers))
    products = _turned(export, "products", _product(reachable), unturned)
    cases = {row["customer_id"] for row, _ in products if row["units_per_case"] > 1}
    rates = _Rates(
        Conditions(export, several_groups, unturned),
        {str(row["id"]): record for row, record in services},
        reachable,
        cases.union(known.case_customers),
    )
    day = effective_from.isoformat()
    return Conversion(
        customers=[row for row, _ in customers],
        services=[row for row, _ in services],
        products=[row for row, _ in products],
        cards=[
            {"customer_id": customer_id, "effective_from": day, "rates": rates_of_customer}
            for customer_id, rates_of_customer in rates.by_customer(export, unturned, notes)
        ],
        unturned=list(unturned),
        notes=list(notes),
    )


class _Rates:
    """Turns customer services into the rates of each customer."""

    def __init__(
        self,
        conditions: Conditions,
        services: Mapping[str, Record],
        reachable: Collection[int],
        with_cases: Collection[int],
    ) -> None:
        self._conditions = conditions
        self._services = services
        self._reachable = reachable
        self._with_cases = {str(customer_id) for customer_id in with_cases}

    def by_customer(
        self, export: Export, unturned: Remarks, notes: Remarks
    ) -> list[tuple[int, list[Row]]]:
        """Return the rates of every customer that has one, by service, then as exported."""
        rows: dict[str, list[Record]] = defaultdict(list)
        for row in export.table("customer_services"):
            rows[key_of(row, "customer_id")].append(row)
        found: dict[int, list[Row]] = defaultdict(list)
        for customer, mine in rows.items():
            has_cases = customer in self._with_cases
            habits = habits_of(mine, self._services, has_case_products=has_cases)
            single: set[int] = set()
            for row in mine:
                try:
                    rate = self._rate(row, habits, single, notes)
                    found[int(customer)].append(rate)
                except InvalidValueError as error:
                    unturned.add("customer_services", row, str(error))
        return [
            (customer_id, sorted(rates, key=lambda rate: int(rate["service_id"])))
            for customer_id, rates in sorted(found.items())
        ]

    def _rate(self, row: Record, habits: Habits, single: set[int], notes: Remarks) -> Row:
        _check_reachable(number_of(row, "customer_id"), self._reachable)
        service_id = number_of(row, "service_id")
        service = self._services.get(str(service_id))
        if service is None:
            raise InvalidValueError(f"Its service {service_id} is not in the export, or left out.")
        if service_id in single:
            raise InvalidValueError(f"A single charge for service {service_id} is there already.")
        condition = self._conditions.of(row, notes)
        rate, remarks = rate_of(row, service, service_id, condition, habits)
        for text in remarks:
            notes.add("customer_services", row, text)
        if rate["price"]["model"] == "flat":
            single.add(service_id)
        return rate


def _turned(
    export: Export, table: str, turn: Callable[[Record], Row], unturned: Remarks
) -> list[tuple[Row, Record]]:
    """Turn the rows of a table, each by itself."""
    turned = []
    for record in export.table(table):
        try:
            turned.append((turn(record), record))
        except (InvalidValueError, InvalidRowError) as error:
            unturned.add(table, record, str(error))
    return turned


def _reachable(export: Export, known: Known, turned: Iterable[int]) -> set[int]:
    """Return the customers that may get rates: not those whose id is somebody else's here."""
    named = {key_of(record, "id") for record in export.table("customers")}
    return {id_ for id_ in known.customers if str(id_) not in named}.union(turned)


def _customer(known: Known) -> Callable[[Record], Row]:
    def turn(record: Record) -> Row:
        names = ("name", "currency", "time_zone")
        row: Row = {"id": number_of(record, "id")}
        row |= {name: record.get(name) for name in names}
        _check_same(read_customer(row, None).name, known.customers.get(row["id"]))
        return row

    return turn


def _service(known: Known) -> Callable[[Record], Row]:
    def turn(record: Record) -> Row:
        row: Row = {"id": number_of(record, "id")}
        row |= {name: record.get(name) for name in ("name", "description")}
        _check_same(read_service(row).name, known.services.get(row["id"]))
        return row

    return turn


def _product(reachable: Collection[int]) -> Callable[[Record], Row]:
    def turn(record: Record) -> Row:
        row = product_of(record)
        _check_reachable(row["customer_id"], reachable)
        return row

    return turn


def _check_same(name: str, known: str | None) -> None:
    """Refuse to give somebody else's id a new meaning."""
    if known is not None and known != name:
        raise InvalidValueError(f"It is there already as {known}.", field="id")


def _check_reachable(customer_id: int, reachable: Collection[int]) -> None:
    if customer_id not in reachable:
        raise InvalidValueError(str(CustomerNotFoundError(customer_id)), field="customer_id")
