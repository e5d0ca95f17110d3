"""RateBook: putting rate cards in force and reading them."""

from datetime import date, datetime
from functools import partial
from typing import NamedTuple

from billing.domain.access import Access
from billing.domain.audit import UNNAMED, Author, Change, Signature, state_hash
from billing.domain.catalog import Customer
from billing.domain.errors import RateCardNotFoundError, ServiceNotFoundError
from billing.domain.ports import Clock, Repositories, Storage
from billing.domain.rate_reading import check_decimals
from billing.domain.rates import Rate, RateCard, card_in_force
from billing.domain.retries import retried


def check_rates(view: Repositories, customer: Customer, rates: tuple[Rate, ...]) -> None:
    """Refuse rates that this customer cannot have.

    Raises InvalidValueError for bounds finer than the currency, ServiceNotFoundError for a
    service, priced or a part of a percentage, that does not exist.
    """
    check_decimals(rates, customer.decimals)
    named = {service_id for rate in rates for service_id in rate.services}
    unknown = named - view.services.known(named).keys()
    if unknown:
        raise ServiceNotFoundError(min(unknown))


class PutCard(NamedTuple):
    """What putting a card did. change: None where the card was in force already."""

    card: RateCard
    change: Change | None


def put_card(
    tx: Repositories,
    customer_id: int,
    effective_from: date,
    rates: tuple[Rate, ...],
    now: datetime,
) -> PutCard:
    """Put a card in force in an open transaction, as `RateBook.put` does."""
    check_rates(tx, tx.customers.hold(customer_id), rates)
    current = card_in_force(tx.rate_cards.of_customer(customer_id), effective_from)
    if current is not None and current.rates == rates:
        return PutCard(current, None)
    tx.customers.fix_currency([customer_id])
    card = tx.rate_cards.add(customer_id, effective_from, rates, now.replace(microsecond=0))
    return PutCard(card, _change(current, card))


class RateBook:
    """The rate cards of every customer. Cards are replaced, never edited."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    def put(
        self,
        customer_id: int,
        effective_from: date,
        rates: tuple[Rate, ...],
        *,
        access: Access | None = None,
        author: Author | None = None,
    ) -> tuple[RateCard, bool]:
        """Put a card in force from a day on, and record it; return it, and whether it is new.

        A card equal to the one in force on that day adds nothing: that one is returned.
        Raises CustomerNotFoundError, ServiceNotFoundError.
        """
        access, author = access or Access.everything(), author or UNNAMED
        return retried(partial(self._put, customer_id, effective_from, rates, access, author))

    def cards(self, customer_id: int, *, access: Access | None = None) -> list[RateCard]:
        """Return all cards of a customer, newest first, or raise CustomerNotFoundError."""
        with self._storage.snapshot(access or Access.everything()) as view:
            view.customers.find(customer_id)
            return view.rate_cards.of_customer(customer_id)

    def in_force(self, customer_id: int, day: date, *, access: Access | None = None) -> RateCard:
        """Return the card in force on a day, or raise RateCardNotFoundError."""
        card = card_in_force(self.cards(customer_id, access=access), day)
        if card is None:
            raise RateCardNotFoundError(
                f"Customer {customer_id} has no rate card in force on {day}"
            )
        return card

    def _put(
        self,
        customer_id: int,
        effective_from: date,
        rates: tuple[Rate, ...],
        access: Access,
        author: Author,
    ) -> tuple[RateCard, bool]:
        with self._storage.transaction(access) as tx:
            now = self._clock.now()
            card, change = put_card(tx, customer_id, effective_from, rates, now)
            if change is not None:
                tx.audit.record(Signature.of(author, now).sign(change))
            return card, change is not None


def _change(before: RateCard | None, card: RateCard) -> Change:
    """Say what a new card takes the place of: the one in force so far on its first day."""
    return Change(
        action="rate_card.created",
        object_kind="rate_card",
        object_id=str(card.id),
        customer_id=card.customer_id,
        hash_before=None if before is None else _state_hash(before),
        hash_after=_state_hash(card),
        details={
            "effective_from": card.effective_from.isoformat(),
            "replaces": None if before is None else before.id,
        },
    )


def _state_hash(card: RateCard) -> str:
    """Return the hash of what a card says; equal cards have equal ones."""
    rates = [rate.as_json() for rate in card.rates]
    return state_hash({"effective_from": card.effective_from.isoformat(), "rates": rates})
