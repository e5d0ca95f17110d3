"""SqlRateCards: cards are inserted and read, never changed."""

import json
from datetime import date, datetime

from sqlalchemy import func, insert, select

from billing.adapters.sql.catalog import SqlRepository, visible
from billing.adapters.sql.mapping import card_from
from billing.adapters.sql.tables import rate_cards
from billing.domain.errors import CustomerNotFoundError, RateCardNotFoundError
from billing.domain.rates import Rate, RateCard


class SqlRateCards(SqlRepository):
    """The rate cards of the customers that this transaction may see."""

    def add(
        self,
        customer_id: int,
        effective_from: date,
        rates: tuple[Rate, ...],
        created_at: datetime,
        /,
    ) -> RateCard:
        """Store a new card and return it with its id."""
        if not self._access.allows(customer_id):
            raise CustomerNotFoundError(customer_id)
        statement = insert(rate_cards).values(
            customer_id=customer_id,
            effective_from=effective_from,
            created_at=created_at,
            rates=json.dumps([rate.as_json() for rate in rates], ensure_ascii=False),
        )
        card_id = self._connection.execute(statement.returning(rate_cards.c.id)).scalar_one()
        return RateCard(card_id, customer_id, effective_from, created_at, rates)

    def find(self, card_id: int, /) -> RateCard:
        """Return a card by its id, or raise RateCardNotFoundError."""
        mine = visible(rate_cards.c.customer_id, self._access)
        statement = select(rate_cards).where(rate_cards.c.id == card_id, mine)
        row = self._connection.execute(statement).mappings().one_or_none()
        if row is None:
            raise RateCardNotFoundError(f"Rate card {card_id} not found")
        return card_from(row)

    def of_customer(self, customer_id: int, /) -> list[RateCard]:
        """Return all cards, newest first: by effective_from, then id, descending."""
        statement = (
            select(rate_cards)
            .where(
                rate_cards.c.customer_id == customer_id,
                visible(rate_cards.c.customer_id, self._access),
            )
            .order_by(rate_cards.c.effective_from.desc(), rate_cards.c.id.desc())
        )
        return [card_from(row) for row in self._connection.execute(statement).mappings()]

    def newest(self) -> dict[int, int]:
        """Return the highest id of each customer's cards."""
        columns = rate_cards.c
        statement = select(columns.customer_id, func.max(columns.id).label("newest"))
        statement = statement.where(visible(columns.customer_id, self._access))
        rows = self._connection.execute(statement.group_by(columns.customer_id))
        return {row.customer_id: row.newest for row in rows}
