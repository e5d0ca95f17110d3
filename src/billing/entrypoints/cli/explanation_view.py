"""Explanation view: why an order costs what it costs, as a person reads it."""

from collections.abc import Iterator, Mapping
from typing import Any

from billing.domain.conditions import GROUPS
from billing.domain.explanation import ExplainedCost, Explanation
from billing.domain.strict_json import dumps

_VERDICTS = {True: "true", False: "false", None: "unknown"}


def explanation_lines(explanation: Explanation, currency: str) -> Iterator[str]:
    """Return the lines of an order, what is missing for it, and the rates that charge nothing."""
    yield f"Order {explanation.order_id}: {explanation.total_amount:f} {currency}"
    for cost in explanation.service_costs:
        yield ""
        yield from _cost_lines(cost)
    if explanation.problems:
        yield ""
        yield "Needs attention"
        for service_id, text in dict.fromkeys(explanation.problems):
            yield f"  {text}" if service_id is None else f"  service {service_id}: {text}"
    if explanation.not_charged:
        yield ""
        yield "Not charged"
        for rate in explanation.not_charged:
            yield f"  service {rate['service_id']}: {rate['text']} ({_place(rate['rate'])})"
            yield from _condition_lines(rate["condition"], "    ")


def _cost_lines(cost: ExplainedCost) -> Iterator[str]:
    reason = cost.explanation
    yield f"{cost.service_name} (service {cost.service_id}): {cost.amount:f}"
    for text in reason["text"].split("; "):
        yield f"  {text}"
    if "rate" in reason:
        yield f"  {_place(reason['rate'])}"
        yield from _condition_lines(reason["condition"], "  ")


def _place(rate: Mapping[str, Any]) -> str:
    card = "the draft card" if rate["card"] is None else f"card {rate['card']}"
    since = f", in force from {rate['effective_from']}" if "effective_from" in rate else ""
    return f"rates[{rate['index']}] of {card}{since}"


def _condition_lines(condition: Mapping[str, Any] | None, indent: str) -> Iterator[str]:
    if condition is None:
        return
    verdict = _VERDICTS[condition["verdict"]]
    word = next((word for word in GROUPS if word in condition), None)
    if word is None:
        value = "" if condition["value"] is None else f" {dumps(condition['value'])}"
        saw = "it is missing" if condition["saw"] is None else f"saw {dumps(condition['saw'])}"
        yield f"{indent}{condition['field']} {condition['op']}{value}: {verdict}, {saw}"
        return
    yield f"{indent}{word}: {verdict}"
    members = condition[word]
    for member in [members] if word == "not" else members:
        yield from _condition_lines(member, f"{indent}  ")
