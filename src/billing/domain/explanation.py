"""Explanation: why each amount of an order is what it is, and why a rate charged nothing.

Recomputed by the code that bills: `cost_order` makes the lines, the same counters, conditions
and prices tell how. An explanation that did not add up to its line would be a bug in one place.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Any

from billing.domain.costs import Pricing, cost_order
from billing.domain.derived_prices import Markup, Percentage
from billing.domain.measured import measured_on
from billing.domain.measures import Missing
from billing.domain.money import from_millionths, raw_text, to_amount, to_minor
from billing.domain.orders import Order
from billing.domain.prices import PriceModel, Step, above_last_tier
from billing.domain.rate_steps import Problem, ServiceCost, bounded
from billing.domain.rates import Rate


@dataclass(frozen=True, slots=True)
class ExplainedCost:
    """One line with its reason. amount: currency units. explanation: plain data, JSON-ready."""

    service_id: int
    service_name: str | None
    amount: Decimal
    explanation: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an order costs what it costs.

    not_charged: the rates that made no line, with the reason. problems: why costs are withheld.
    """

    order_id: int
    total_amount: Decimal
    service_costs: tuple[ExplainedCost, ...]
    not_charged: tuple[dict[str, Any], ...]
    problems: tuple[Problem, ...]

    @property
    def services(self) -> set[int]:
        """The services of its lines."""
        return {cost.service_id for cost in self.service_costs}

    def with_names(self, names: Mapping[int, str]) -> "Explanation":
        """Return it with the services' names."""
        costs = (replace(c, service_name=names.get(c.service_id)) for c in self.service_costs)
        return replace(self, service_costs=tuple(costs))

    def of_services(self, services: Collection[int] | None) -> "Explanation":
        """Return the part about these services, for a partial report; None keeps all."""
        if services is None:
            return self
        kept = tuple(cost for cost in self.service_costs if cost.service_id in services)
        others = tuple(r for r in self.not_charged if r["service_id"] in services)
        problems = tuple(p for p in self.problems if p.service_id in {None, *services})
        dropped = (cost.amount for cost in self.service_costs if cost.service_id not in services)
        total = self.total_amount - sum(dropped)  # Keeps the currency's decimals, of 0 too.
        return replace(
            self, service_costs=kept, not_charged=others, problems=problems, total_amount=total
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data, amounts as exact decimals."""
        return {
            "order_id": self.order_id,
            "total_amount": self.total_amount,
            "service_costs": [asdict(cost) for cost in self.service_costs],
            "problems": list(dict.fromkeys(problem.text for problem in self.problems)),
            "not_charged": list(self.not_charged),
        }


def explain_order(order: Order, pricing: Pricing) -> Explanation:
    """Price the order once more and say how."""
    cost = cost_order(order, pricing)
    explainer = _Explainer(order, pricing, cost.service_costs)
    return Explanation(
        order_id=order.order_id,
        total_amount=to_amount(cost.amount, pricing.decimals),
        service_costs=tuple(map(explainer.line, cost.service_costs)),
        not_charged=tuple(explainer.not_charged()),
        problems=cost.problems,
    )


class _Explainer:
    """Explains the lines of one order."""

    def __init__(self, order: Order, pricing: Pricing, lines: Sequence[ServiceCost]) -> None:
        self._order = order
        self._pricing = pricing
        self._lines = lines
        self._rates = pricing.card.rates if pricing.card else ()

    def line(self, cost: ServiceCost) -> ExplainedCost:
        amount = to_amount(cost.amount, self._pricing.decimals)
        if cost.rate_index is None:
            explanation: dict[str, Any] = {"text": f"a recorded charge of {amount:f}, as it is"}
        else:
            explanation = self._of_rate(cost, self._rates[cost.rate_index], amount)
        return ExplainedCost(cost.service_id, None, amount, explanation)

    def not_charged(self) -> Iterator[dict[str, Any]]:
        charged = {line.rate_index for line in self._lines}
        for index, rate in enumerate(self._rates):
            if index not in charged:
                condition = self._condition(rate)
                reason = self._reason(rate, condition)
                yield {
                    "service_id": rate.service_id,
                    "rate": self._place(index),
                    "text": reason,
                    "condition": condition,
                }

    def _of_rate(self, cost: ServiceCost, rate: Rate, amount: Decimal) -> dict[str, Any]:
        basis, steps = self._basis(cost, rate)
        raw = sum(step.raw for step in steps)
        held = raw if isinstance(rate.price, Markup) else bounded(rate, raw)
        bound = None if held == raw else "minimum" if held > raw else "maximum"
        texts = [step.text for step in steps]
        if bound is not None:
            texts.append(f"{bound} {getattr(rate, bound):f}")
        texts.append(f"rounded half up to {amount:f}")
        return {
            "text": "; ".join([*basis.get("measured_on", []), *texts]),
            "rate": self._place(cost.rate_index),
            "model": rate.price.model,
            **basis,
            "steps": [{"text": step.text, "amount": _exact(step.raw)} for step in steps],
            "condition": self._condition(rate),
            "minimum_applied": self._bound(rate.minimum) if bound == "minimum" else None,
            "maximum_applied": self._bound(rate.maximum) if bound == "maximum" else None,
            "before_rounding": _exact(held),
            "amount": amount,
        }

    def _basis(self, cost: ServiceCost, rate: Rate) -> tuple[dict[str, Any], list[Step]]:
        price = rate.price
        if isinstance(price, Percentage):
            return self._percentage(price)
        if isinstance(price, Markup):
            return self._markup(price, cost.charge_index or 0)
        quantity = cost.quantity or 0
        measured = measured_on(price.measure, rate.sku_filter, self._order, self._pricing.products)
        basis = {
            "measure": price.measure.name,
            "quantity": from_millionths(quantity),
            "measured_on": measured,
        }
        return basis, price.steps(quantity)

    def _percentage(self, price: Percentage) -> tuple[dict[str, Any], list[Step]]:
        decimals = self._pricing.decimals
        of = [
            {"service_id": line.service_id, "amount": to_amount(line.amount, decimals)}
            for line in self._lines
            if line.service_id in price.of
        ]
        base = sum(line.amount for line in self._lines if line.service_id in price.of)
        text = f"{price.percent:f} % of {to_amount(base, decimals):f}"
        return {"percent": price.percent, "of": of}, [Step(text, price.raw(base, decimals))]

    def _markup(self, price: Markup, charge_index: int) -> tuple[dict[str, Any], list[Step]]:
        decimals = self._pricing.decimals
        charge = to_minor(self._order.charges[charge_index].amount, decimals)
        amount = to_amount(charge, decimals)
        text = f"a recorded charge of {amount:f} plus {price.percent:f} %"
        step = Step(text, price.raw(charge, decimals))
        return {"percent": price.percent, "charge": amount}, [step]

    def _bound(self, bound: Decimal | None) -> Decimal:
        decimals = self._pricing.decimals
        return to_amount(to_minor(bound or Decimal(0), decimals), decimals)

    def _condition(self, rate: Rate) -> dict[str, Any] | None:
        return rate.when.trace(self._order, self._pricing.products) if rate.when else None

    def _reason(self, rate: Rate, condition: dict[str, Any] | None) -> str:
        if self._order.is_cancelled:
            return "the order is cancelled"
        if condition is not None and condition["verdict"] is not True:
            unknown = condition["verdict"] is None
            return "the condition is unknown" if unknown else "the condition does not hold"
        if isinstance(rate.price, Markup):
            return "the order has no recorded charge for this service"
        if isinstance(rate.price, Percentage):
            return "its part comes to nothing, or what it is a part of is unknown"
        return self._uncounted(rate, rate.price)

    def _uncounted(self, rate: Rate, price: PriceModel) -> str:
        quantity = price.measure.counter(rate.sku_filter, self._pricing.products)(self._order)
        if isinstance(quantity, Missing):
            return "; ".join(quantity.problems)
        if not quantity:
            return f"0 {price.measure.name}"
        if price.compile()(quantity) is None:
            return above_last_tier(price, quantity)
        return "the cost comes to zero"

    def _place(self, index: int | None) -> dict[str, Any]:
        card = self._pricing.card
        if card is None or not card.id:
            return {"card": None, "index": index}
        return {"card": card.id, "index": index, "effective_from": card.effective_from.isoformat()}


def _exact(raw: int) -> Decimal:
    """Return raw money as a number; made of its text, for arithmetic would round the longest."""
    return Decimal(raw_text(raw))
