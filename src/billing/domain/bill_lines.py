"""BillLines: the lines of a report's bills, as text and as totals, each different bill once."""

from collections.abc import Callable, Mapping
from json.encoder import encode_basestring as quote

from billing.domain.costs import OrderCost, Pricing
from billing.domain.errors import ServiceNotFoundError
from billing.domain.money import millionths_text, minor_text
from billing.domain.rate_steps import ServiceCost

BILLS_KEPT = 4_000
"""Bills kept to be written again, about 4 MB: cost_order gives equal orders the same cost."""
LINES_KEPT = 20_000
"""Lines of a bill kept to be written again, about 5 MB."""


class BillLines:
    """Writes what orders cost, and counts how often each cost is billed.

    names: the services' names as they are now; the report keeps them.
    """

    def __init__(self, names: Mapping[int, str], decimals: int) -> None:
        self._names = names
        self._amount_text = minor_text(decimals)
        self._pricing: Pricing | None = None
        self._lines = _Lines(str)
        self._bills: dict[int, _Bill] = {}
        self._totals: dict[int, int] = {}

    def write(self, cost: OrderCost, pricing: Pricing) -> str:
        """Return the end of a billed order's JSON, from its total on, and count its lines."""
        lines = cost.service_costs  # Which keep their id as long as they are kept here.
        bill = self._bills.get(id(lines))
        if bill is None:
            if len(self._bills) >= BILLS_KEPT:
                self._fold()
            bill = self._bills[id(lines)] = _Bill(lines, self._bill_text(cost, pricing))
        bill.times += 1
        return bill.text

    def totals(self) -> dict[int, int]:
        """Return the sum of each service that was billed, in minor units."""
        self._fold()
        return self._totals

    def _fold(self) -> None:
        totals = self._totals
        for bill in self._bills.values():
            for line in bill.lines:
                totals[line.service_id] = totals.get(line.service_id, 0) + line.amount * bill.times
        self._bills.clear()

    def _bill_text(self, cost: OrderCost, pricing: Pricing) -> str:
        if pricing is not self._pricing:  # A period has few pricings.
            self._pricing = pricing
            self._lines = _Lines(lambda line: self._line_text(line, pricing))
        lines = ",".join([self._lines[line] for line in cost.service_costs])
        return f'"total_amount":{self._amount_text(cost.amount)},"service_costs":[{lines}]}}'

    def _line_text(self, line: ServiceCost, pricing: Pricing) -> str:
        if line.service_id not in self._names:
            raise ServiceNotFoundError(line.service_id)
        name = quote(self._names[line.service_id])
        text = (
            f'{{"service_id":{line.service_id},"service_name":{name}'
            f',"amount":{self._amount_text(line.amount)}'
        )
        if line.rate_index is None or pricing.card is None:
            return text + "}"
        quantity = "null" if line.quantity is None else millionths_text(line.quantity)
        return (
            f'{text},"quantity":{quantity}'
            f',"rate":{{"card":{pricing.card.id or "null"},"index":{line.rate_index}}}}}'
        )


class _Bill:
    """The lines of a cost with their text, and how many orders they were written for."""

    __slots__ = ("lines", "text", "times")

    def __init__(self, lines: tuple[ServiceCost, ...], text: str) -> None:
        self.lines = lines
        self.text = text
        self.times = 0


class _Lines(dict[ServiceCost, str]):
    """Lines as they were written: nine in ten lines of real orders had been written before."""

    def __init__(self, write: Callable[[ServiceCost], str]) -> None:
        super().__init__()
        self._write = write

    def __missing__(self, line: ServiceCost) -> str:
        if len(self) >= LINES_KEPT:
            self.clear()
        text = self[line] = self._write(line)
        return text
