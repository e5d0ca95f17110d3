"""MemoryCustomers, MemoryServices and MemoryRateCards."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import date, datetime

from billing.adapters.memory.state import MemoryRepository, part_of
from billing.domain.catalog import Customer, Service
from billing.domain.errors import (
    CurrencyFixedError,
    CustomerNotFoundError,
    RateCardNotFoundError,
    ServiceNotFoundError,
)
from billing.domain.rates import Rate, RateCard
from billing.domain.report_query import Slice
from billing.domain.repositories import Outcome


class MemoryCustomers(MemoryRepository):
    """The customers that this transaction may see."""

    def find(self, customer_id: int, /) -> Customer:
        return self._unit.require(customer_id)

    def hold(self, customer_id: int, /) -> Customer:
        return self.find(customer_id)

    def known(self, customer_ids: Collection[int], /) -> dict[int, Customer]:
        customers, access = self._unit.state.customers, self._unit.access
        return {i: customers[i] for i in customer_ids if i in customers and access.allows(i)}

    def held(self, customer_ids: Collection[int], /) -> dict[int, Customer]:
        return self.known(customer_ids)  # Writers take turns in any case.

    def save(self, customer: Customer, /) -> Outcome:
        unit, key = self._unit, customer.id
        if not unit.access.allows(key):
            raise CustomerNotFoundError(key)
        existing = unit.state.customers.get(key)
        if existing == customer:
            return Outcome.UNCHANGED
        if existing and existing.currency != customer.currency and key in unit.state.currency_fixed:
            raise CurrencyFixedError(key, existing.currency)
        unit.state = replace(unit.state, customers=unit.state.customers | {key: customer})
        return Outcome.UPDATED if existing else Outcome.CREATED

    def fix_currency(self, customer_ids: Collection[int], /) -> None:
        state = self._unit.state
        self._unit.state = replace(state, currency_fixed=state.currency_fixed | set(customer_ids))

    def page(self, part: Slice, /) -> Iterator[Customer]:
        return part_of((self._unit.state.customers[key] for key in self._ids()), part)

    def count(self) -> int:
        return len(self._ids())

    def _ids(self) -> list[int]:
        return sorted(filter(self._unit.access.allows, self._unit.state.customers))


class MemoryServices(MemoryRepository):
    """The services; they belong to everyone."""

    def find(self, service_id: int, /) -> Service:
        try:
            return self._unit.state.services[service_id]
        except KeyError:
            raise ServiceNotFoundError(service_id) from None

    def known(self, service_ids: Collection[int], /) -> dict[int, Service]:
        services = self._unit.state.services
        return {i: services[i] for i in service_ids if i in services}

    def held(self, service_ids: Collection[int], /) -> dict[int, Service]:
        return self.known(service_ids)

    def save(self, service: Service, /) -> Outcome:
        state = self._unit.state
        existing = state.services.get(service.id)
        if existing == service:
            return Outcome.UNCHANGED
        self._unit.state = replace(state, services=state.services | {service.id: service})
        return Outcome.UPDATED if existing else Outcome.CREATED

    def page(self, part: Slice, /) -> Iterator[Service]:
        services = self._unit.state.services
        return part_of((services[key] for key in sorted(services)), part)

    def count(self) -> int:
        return len(self._unit.state.services)


class MemoryRateCards(MemoryRepository):
    """The rate cards of the customers that this transaction may see."""

    def add(
        self,
        customer_id: int,
        effective_from: date,
        rates: tuple[Rate, ...],
        created_at: datetime,
        /,
    ) -> RateCard:
        self._unit.require(customer_id)
        state = self._unit.state
        card = RateCard(len(state.rate_cards) + 1, customer_id, effective_from, created_at, rates)
        self._unit.state = replace(state, rate_cards=state.rate_cards | {card.id: card})
        return card

    def find(self, card_id: int, /) -> RateCard:
        card = self._unit.state.rate_cards.get(card_id)
        if card is None or not self._unit.access.allows(card.customer_id):
            raise RateCardNotFoundError(f"Rate card {card_id} not found")
        return card

    def of_customer(self, customer_id: int, /) -> list[RateCard]:
        if not self._unit.access.allows(customer_id):
            return []
        cards = (c for c in self._unit.state.rate_cards.values() if c.customer_id == customer_id)
        return sorted(cards, key=lambda card: (card.effective_from, card.id), reverse=True)

    def newest(self) -> dict[int, int]:
        cards = self._unit.state.rate_cards.values()
        # Ids ascend, and the last one of a customer stays.
        return {c.customer_id: c.id for c in cards if self._unit.access.allows(c.customer_id)}
