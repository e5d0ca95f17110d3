"""SqlCustomers and SqlServices."""

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, func, select, true, update
from sqlalchemy.dialects import postgresql, sqlite

from billing.adapters.sql.mapping import customer_from, service_from
from billing.adapters.sql.tables import customers, services
from billing.domain.access import Access
from billing.domain.catalog import Customer, Service
from billing.domain.errors import (
    CurrencyFixedError,
    CustomerNotFoundError,
    ServiceNotFoundError,
)
from billing.domain.report_query import Slice
from billing.domain.repositories import Outcome


def visible(column: ColumnElement[int], access: Access) -> ColumnElement[bool]:
    """Return the condition that a customer exists for this caller."""
    return true() if access.customers is None else column.in_(sorted(access.customers))


def sliced(statement: Select[Any], part: Slice) -> Select[Any]:
    """Return the asked part of an ordered selection, streamed."""
    statement = statement.offset(part.offset) if part.offset else statement
    statement = statement if part.limit is None else statement.limit(part.limit)
    return statement.execution_options(yield_per=500)


class SqlRepository:
    """A connection inside a transaction, and what its caller may see."""

    def __init__(self, connection: Connection, access: Access) -> None:
        self._connection = connection
        self._access = access

    def _inserted(self, table: Table, values: dict[str, Any]) -> bool:
        """Insert a row unless its key exists; of several at once exactly one is told so."""
        insert = sqlite.insert if self._connection.dialect.name == "sqlite" else postgresql.insert
        statement = insert(table).values(values).on_conflict_do_nothing().returning(table.c.id)
        return self._connection.execute(statement).one_or_none() is not None


class SqlCustomers(SqlRepository):
    """The customers that this transaction may see."""

    def find(self, customer_id: int, /) -> Customer:
        """Return the customer, or raise CustomerNotFoundError."""
        found = self.known([customer_id])
        if customer_id not in found:
            raise CustomerNotFoundError(customer_id)
        return found[customer_id]

    def known(self, customer_ids: Collection[int], /) -> dict[int, Customer]:
        """Return those that exist; inside a writing transaction their currency cannot change."""
        allowed = [key for key in customer_ids if self._access.allows(key)]
        if not allowed:
            return {}
        statement = select(customers).where(customers.c.id.in_(allowed))
        if not self._connection.get_execution_options().get("postgresql_readonly"):
            statement = statement.with_for_update(read=True, key_share=True)
        rows = self._connection.execute(statement).mappings()
        return {row["id"]: customer_from(row) for row in rows}

    def held(self, customer_ids: Collection[int], /) -> dict[int, Customer]:
        """Return those that exist and make other writers that hold or save them wait."""
        allowed = [key for key in customer_ids if self._access.allows(key)]
        if not allowed:
            return {}
        # In one order, so that two of these never wait for each other.
        statement = select(customers).where(customers.c.id.in_(allowed)).order_by(customers.c.id)
        rows = self._connection.execute(statement.with_for_update(key_share=True)).mappings()
        return {row["id"]: customer_from(row) for row in rows}

    def save(self, customer: Customer, /) -> Outcome:
        """Insert or replace a customer."""
        if not self._access.allows(customer.id):
            raise CustomerNotFoundError(customer.id)
        mine = customers.c.id == customer.id
        values = {
            "name": customer.name,
            "currency": customer.currency,
            "time_zone": customer.time_zone,
        }
        if self._inserted(customers, {"id": customer.id, **values, "currency_fixed": False}):
            return Outcome.CREATED
        # Only the currency is what an intake under way relies on, and so waits for.
        statement = select(customers).where(mine)
        row = self._connection.execute(statement.with_for_update(key_share=True)).mappings().one()
        if customer_from(row) == customer:
            return Outcome.UNCHANGED
        if row["currency"] != customer.currency:
            self._connection.execute(statement.with_for_update())
            if row["currency_fixed"]:
                raise CurrencyFixedError(customer.id, row["currency"])
        self._connection.execute(update(customers).where(mine).values(values))
        return Outcome.UPDATED

    def hold(self, customer_id: int, /) -> Customer:
        """Return the customer and make other writers that hold it wait."""
        mine = and_(customers.c.id == customer_id, self._visible)
        statement = select(customers).where(mine).with_for_update(key_share=True)
        row = self._connection.execute(statement).mappings().one_or_none()
        if row is None:
            raise CustomerNotFoundError(customer_id)
        return customer_from(row)

    def fix_currency(self, customer_ids: Collection[int], /) -> None:
        """Say that amounts in these customers' currencies exist from now on."""
        free = customers.c.id.in_(sorted(customer_ids)) & ~customers.c.currency_fixed
        self._connection.execute(update(customers).where(free).values(currency_fixed=True))

    def page(self, part: Slice, /) -> Iterator[Customer]:
        """Return customers by ascending id."""
        statement = select(customers).where(self._visible).order_by(customers.c.id)
        for row in self._connection.execute(sliced(statement, part)).mappings():
            yield customer_from(row)

    def count(self) -> int:
        """Return how many customers there are."""
        counted = select(func.count()).select_from(customers).where(self._visible)
        return self._connection.execute(counted).scalar_one()

    @property
    def _visible(self) -> ColumnElement[bool]:
        return visible(customers.c.id, self._access)


class SqlServices(SqlRepository):
    """The services; they belong to everyone."""

    def find(self, service_id: int, /) -> Service:
        """Return the service, or raise ServiceNotFoundError."""
        found = self.known([service_id])
        if service_id not in found:
            raise ServiceNotFoundError(service_id)
        return found[service_id]

    def known(self, service_ids: Collection[int], /) -> dict[int, Service]:
        """Return those of the services that exist."""
        statement = select(services).where(services.c.id.in_(service_ids))
        rows = self._connection.execute(statement).mappings()
        return {row["id"]: service_from(row) for row in rows}

    def held(self, service_ids: Collection[int], /) -> dict[int, Service]:
        """Return those that exist and make others that save or hold them wait."""
        statement = select(services).where(services.c.id.in_(service_ids)).order_by(services.c.id)
        rows = self._connection.execute(statement.with_for_update()).mappings()
        return {row["id"]: service_from(row) for row in rows}

    def save(self, service: Service, /) -> Outcome:
        """Insert or replace a service."""
        values = {"name": service.name, "description": service.description}
        if self._inserted(services, {"id": service.id, **values}):
            return Outcome.CREATED
        mine = services.c.id == service.id
        statement = select(services).where(mine).with_for_update()
        if service_from(self._connection.execute(statement).mappings().one()) == service:
            return Outcome.UNCHANGED
        self._connection.execute(update(services).where(mine).values(values))
        return Outcome.UPDATED

    def page(self, part: Slice, /) -> Iterator[Service]:
        """Return services by ascending id."""
        statement = sliced(select(services).order_by(services.c.id), part)
        for row in self._connection.execute(statement).mappings():
            yield service_from(row)

    def count(self) -> int:
        """Return how many services there are."""
        return self._connection.execute(select(func.count()).select_from(services)).scalar_one()
