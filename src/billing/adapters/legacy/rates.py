"""Rates of an export: how a customer's service at a price becomes a rate."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from billing.adapters.legacy.tables import Record, key_of, list_of
from billing.domain.catalog import normalise_sku
from billing.domain.errors import InvalidValueError
from billing.domain.fields import shown
from billing.domain.rate_cells import rate_place
from billing.domain.rate_reading import read_rates

PICK, CASE_PICK, SKU_COST = "pick cost", "case pick", "sku cost"
"""The services that count something of their own, by name without case."""


class Habits(NamedTuple):
    """What a customer's other rows say about each of its rates.

    has_cases: some product of it has a case, or its cases are billed by a service of their own.
    assigned: the SKUs that its quantity services are assigned; picking leaves these out.
    """

    has_cases: bool
    assigned: tuple[str, ...]


def rate_of(
    row: Record, service: Record, service_id: int, condition: object, habits: Habits
) -> tuple[dict[str, Any], list[str]]:
    """Return the rate of a customer's service, and what to look at in it.

    Raises InvalidValueError, at the column if it is one, when it cannot be a rate.
    """
    remarks: list[str] = []
    charge_type = service.get("charge_type", "").casefold()
    if charge_type == "single":
        if list_of(row, "skus"):
            remarks.append("a single charge is due whatever the SKUs; its SKUs have no effect")
        rate: dict[str, Any] = {"price": {"model": "flat", "amount": _unit_price(row)}}
    elif charge_type == "quantity":
        rate = _by_quantity(row, name_of(service), habits, remarks)
    else:
        raise InvalidValueError(
            f"charge_type {shown(charge_type) or 'nothing'} is neither single nor quantity."
        )
    rate = {"service_id": service_id, **rate}
    if condition is not None:
        rate["when"] = condition
    _check(rate)
    return rate, remarks


def name_of(service: Record) -> str:
    """Return a service's name as names compare: without case, with single spaces."""
    return " ".join(service.get("name", "").casefold().split())


def habits_of(
    rows: Collection[Record], services: Mapping[str, Record], *, has_case_products: bool
) -> Habits:
    """Return what the rows of one customer say together; services: by id."""
    by_quantity = [
        (row, services[key])
        for row, key in ((row, key_of(row, "service_id")) for row in rows)
        if key in services and services[key].get("charge_type", "").casefold() == "quantity"
    ]
    assigned = {normalise_sku(sku): sku for row, _ in by_quantity for sku in list_of(row, "skus")}
    case_pick = any(name_of(service) == CASE_PICK for _, service in by_quantity)
    return Habits(has_case_products or case_pick, tuple(assigned.values()))


def _by_quantity(row: Record, name: str, habits: Habits, remarks: list[str]) -> dict[str, Any]:
    skus = list_of(row, "skus")
    if any("," in sku for sku in skus):
        raise InvalidValueError("SKUs are separated by ;, and one has a comma.", field="skus")
    if skus:
        if name in {CASE_PICK, SKU_COST}:
            remarks.append(f"{name} with assigned SKUs counts their units there, so it does here")
        return {"price": _unit("units", row), "skus": skus}
    if name == SKU_COST:
        return {"price": _unit("skus", row)}
    if name not in {PICK, CASE_PICK}:
        return {"price": _unit("units", row)}
    if name == CASE_PICK:
        measure = "cases"
    elif habits.has_cases:
        measure = "loose_units"
    else:
        measure = "units"
        remarks.append("no product of the customer has a case: pick cost counts every unit")
    excluded = {"exclude_skus": list(habits.assigned)} if habits.assigned else {}
    return {"price": _unit(measure, row), **excluded}


def _unit(measure: str, row: Record) -> dict[str, str]:
    return {"model": "unit", "measure": measure, "unit_price": _unit_price(row)}


def _unit_price(row: Record) -> str:
    if not row.get("unit_price"):
        raise InvalidValueError("It has none; a price of 0 must be said.", field="unit_price")
    return row["unit_price"]


def _check(rate: dict[str, Any]) -> None:
    """Refuse at once, and by this row's columns, what the card would be refused for."""
    try:
        read_rates([rate])
    except InvalidValueError as error:
        _, place = rate_place(error)
        column = "unit_price" if place in {"amount", "unit_price"} else place
        raise InvalidValueError(error.problem, field=column) from None
