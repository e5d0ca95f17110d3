"""Schemas of rates, for the OpenAPI document: the domain reads them, and names what is wrong.

Made from the domain's own tables, so that every measure, price model and operator is listed.
"""

import inspect
from collections.abc import Collection, Mapping
from typing import Any

from billing.domain.condition_tests import (
    MAX_NUMBER,
    MAX_VALUES,
    NUMBER_OPERATORS,
    SKU_OPERATORS,
    TEXT_OPERATORS,
)
from billing.domain.conditions import GROUPS
from billing.domain.derived_prices import MAX_PERCENT, MAX_SERVICES
from billing.domain.fields import MAX_ID, MAX_TEXT
from billing.domain.measures import MEASURES
from billing.domain.money import MAX_MINOR_UNITS
from billing.domain.orders import TEXT_FIELDS
from billing.domain.prices import MAX_PRICE, MAX_SIZE
from billing.domain.rate_reading import MAX_SKUS, MAX_TESTS, MODELS
from billing.domain.tiers import MAX_TIERS

JsonSchema = dict[str, Any]

_ID = {"type": "integer", "minimum": 1, "maximum": MAX_ID}
_TEXT = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT, "pattern": r"\S"}


def components() -> dict[str, JsonSchema]:
    """Return the schemas by their names in the document."""
    prices = {name: f"{model.__name__}Price" for name, model in MODELS.items()}
    return {
        "RateBody": _rate(),
        "Price": {
            "description": "What a service costs. Prices have up to 6 decimals.",
            "oneOf": [_ref(component) for component in prices.values()],
            "discriminator": {
                "propertyName": "model",
                "mapping": {name: _ref(component)["$ref"] for name, component in prices.items()},
            },
        },
        **{component: _price(name) for name, component in prices.items()},
        "Tier": _tier(),
        "Measure": {
            "type": "string",
            "enum": list(MEASURES),
            "description": "What is counted on the order.",
        },
        "Condition": {
            "description": "True, false, or unknown where the order lacks what a test looks at. "
            f"A card holds at most {MAX_TESTS:,} tests.",
            "oneOf": [_ref(name) for name in ("Group", *_TESTS)],
        },
        "Group": _group(),
        **{name: _test(*parts) for name, parts in _TESTS.items()},
    }


def _rate() -> JsonSchema:
    skus = {"type": ["array", "null"], "items": _TEXT, "minItems": 1, "maxItems": MAX_SKUS}
    bound = {
        **_number(MAX_MINOR_UNITS, "null"),
        "description": "Of a cost that is not zero, with the currency's decimals; not on markup.",
    }
    return _object(
        {
            "service_id": _ID,
            "price": _ref("Price"),
            "when": {
                "description": "Charges only the orders for which this is true.",
                "oneOf": [_ref("Condition"), {"type": "null"}],
            },
            "skus": {**skus, "description": "Narrows a measure of items to these SKUs."},
            "exclude_skus": {**skus, "description": "Narrows a measure of items to other SKUs."},
            "minimum": bound,
            "maximum": bound,
        },
        required=("service_id", "price"),
        description="One rate: a service at a price, under a condition.",
    )


def _price(model: str) -> JsonSchema:
    """Return a model's parameters; one that an embedder added is told by its name alone."""
    name = {"model": {"type": "string", "enum": [model]}}
    summary = inspect.getdoc(MODELS[model]) or ""
    parameters = _PARAMETERS.get(model)
    if parameters is None:
        return {"type": "object", "properties": name, "required": ["model"]}
    return _object(
        {**name, **parameters},
        required=("model", *parameters),
        description=summary.partition("\n")[0],
    )


def _tier() -> JsonSchema:
    price = _number(MAX_PRICE, "null")
    return _object(
        {
            "up_to": {
                **_above_zero("null"),
                "description": "The last quantity, included; null, for the last tier only: open.",
            },
            "unit_price": {**price, "description": "For each unit in the tier."},
            "flat_amount": {**price, "description": "Once, when the tier is entered."},
        },
        required=(),
        description="One tier; it has a unit_price, a flat_amount or both.",
    )


def _group() -> JsonSchema:
    members = {"type": "array", "items": _ref("Condition"), "minItems": 1}
    return {
        "type": "object",
        "description": "One word over conditions; `one` is exactly one, `not` holds one alone.",
        "properties": {word: _ref("Condition") if word == "not" else members for word in GROUPS},
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
    }


def _test(
    fields: Collection[str], operators: Collection[str], value: JsonSchema, description: str
) -> JsonSchema:
    return _object(
        {
            "field": {"type": "string", "enum": list(fields)},
            "op": {"type": "string", "enum": list(operators)},
            "value": {**value, "description": description},
        },
        required=("field", "op"),
        description="One test of an order. `missing` takes true (or no value) or false.",
    )


def _object(
    properties: Mapping[str, Any], *, required: Collection[str], description: str
) -> JsonSchema:
    return {
        "type": "object",
        "description": description,
        "properties": dict(properties),
        "additionalProperties": False,
        **({"required": list(required)} if required else {}),
    }


def _number(maximum: int, *more: str) -> JsonSchema:
    return {"type": ["number", "string", *more], "minimum": 0, "maximum": maximum}


def _above_zero(*more: str) -> JsonSchema:
    return {"type": ["number", "string", *more], "exclusiveMinimum": 0, "maximum": MAX_SIZE}


def _ref(name: str) -> JsonSchema:
    return {"$ref": f"#/components/schemas/{name}"}


def _values(*types: str) -> JsonSchema:
    """Return the schema of a test's value: one, a list of them, or what `missing` takes."""
    return {
        "type": [*types, "array", "boolean", "null"],
        "maxLength": MAX_TEXT,
        "items": {"type": list(types), "maxLength": MAX_TEXT},
        "minItems": 1,
        "maxItems": MAX_VALUES,
    }


_MEASURED = {"measure": _ref("Measure")}
_TIERED = {
    **_MEASURED,
    "tiers": {"type": "array", "items": _ref("Tier"), "minItems": 1, "maxItems": MAX_TIERS},
}
_PERCENT = {"percent": _number(MAX_PERCENT)}
_PARAMETERS: dict[str, JsonSchema] = {
    "flat": {"amount": _number(MAX_PRICE)},
    "unit": {**_MEASURED, "unit_price": _number(MAX_PRICE)},
    "package": {
        **_MEASURED,
        "package_size": _above_zero(),
        "package_price": _number(MAX_PRICE),
    },
    "graduated": _TIERED,
    "volume": _TIERED,
    "percentage": {
        **_PERCENT,
        "of": {"type": "array", "items": _ID, "minItems": 1, "maxItems": MAX_SERVICES},
    },
    "markup": _PERCENT,
}

_TESTS: dict[str, tuple[Collection[str], Collection[str], JsonSchema, str]] = {
    "TextTest": (
        TEXT_FIELDS,
        TEXT_OPERATORS,
        _values("string"),
        "A text; for `in` and `not_in` a list of texts. Case does not matter.",
    ),
    "NumberTest": (
        MEASURES,
        NUMBER_OPERATORS,
        _values("number", "string") | {"minimum": -MAX_NUMBER, "maximum": MAX_NUMBER},
        "A number; for `between` its two ends, both included.",
    ),
    "SkuTest": (
        ("sku",),
        SKU_OPERATORS,
        _values("string"),
        "An SKU or a list of them; case, spaces and hyphens do not matter.",
    ),
}
