"""Schema fields: every value that comes in over HTTP is read by the domain's own readers.

marshmallow finds the fields and words the document; `billing.domain.fields` alone decides what an
id, a date or a text may look like, for bulk rows and rate cards as for these.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from marshmallow import ValidationError, fields

from billing.domain.errors import InvalidValueError
from billing.domain.fields import (
    MAX_ID,
    MAX_TEXT,
    read_date,
    read_id,
    read_id_text,
    read_text,
    require_text,
)
from billing.domain.rate_reading import MAX_RATES, read_rates
from billing.domain.rates import Rate
from billing.domain.report_query import SORT_KEYS, ReportOrder

MAX_PAGE_SIZE = 1_000


def said(text: str, **more: object) -> dict[str, object]:
    """Return the metadata of a field: its description and what else OpenAPI should say."""
    return {"description": text, **more}


class StrictField(fields.Field[Any]):
    """A field that one reader reads. properties: what OpenAPI says of all such fields."""

    def __init__(
        self,
        read: Callable[[Any], object],
        properties: Mapping[str, object],
        *,
        metadata: Mapping[str, object] | None = None,
        **options: Any,
    ) -> None:
        # A null is a missing value, and is refused like one.
        options.setdefault("error_messages", {"null": "Missing data for required field."})
        super().__init__(metadata={**properties, **(metadata or {})}, **options)
        self._read = read

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any
    ) -> object:
        del attr, data, options
        try:
            return self._read(value)
        except InvalidValueError as error:
            raise ValidationError(error.problem) from None


def _read_format(value: object) -> str:
    """Read a name of any length: its refusal comes later and repeats 50 characters of it."""
    return read_text(value, len(value) if isinstance(value, str) else 0) or ""


def _read_flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise InvalidValueError("Not a valid boolean: give true or false.")


def _read_page(value: str) -> int:
    try:
        return read_id_text(value)
    except InvalidValueError:
        raise InvalidValueError("Not a valid page: give an integer from 1.") from None


def _read_page_size(value: str) -> int:
    try:
        size = read_id_text(value)
    except InvalidValueError:
        size = 0
    if 1 <= size <= MAX_PAGE_SIZE:
        return size
    raise InvalidValueError(f"Not a valid page size: give an integer from 1 to {MAX_PAGE_SIZE}.")


def _read_rates(value: object) -> tuple[Rate, ...]:
    try:
        return read_rates(value)
    except InvalidValueError as error:
        # The field's own name stands before the place already.
        place = (error.field or "").removeprefix("rates")
        raise ValidationError({place: [error.problem]}) from None


_ID = {"type": "integer", "minimum": 1, "maximum": MAX_ID}
_TEXT = {"type": "string", "maxLength": MAX_TEXT}
_ORDERINGS = [*SORT_KEYS, *(f"-{key}" for key in SORT_KEYS)]

# In a body an id is a JSON integer, in a query it is digits; days and texts are the same in both.
Id = partial(StrictField, read_id, _ID)
QueryId = partial(StrictField, read_id_text, _ID)
Day = partial(StrictField, read_date, {"type": "string", "format": "date"})
Text = partial(StrictField, read_text, _TEXT)
RequiredText = partial(StrictField, require_text, {**_TEXT, "minLength": 1, "pattern": r"\S"})
Flag = partial(StrictField, _read_flag, {"type": "boolean"})
FormatName = partial(StrictField, _read_format, {"type": "string"})
Rates = partial(
    StrictField,
    _read_rates,
    {
        "type": "array",
        "items": {"$ref": "#/components/schemas/RateBody"},
        "maxItems": MAX_RATES,
    },
)
OrderBy = partial(
    StrictField,
    ReportOrder.read,
    {"type": "string", "enum": _ORDERINGS, "default": "-created_at"},
)
Page = partial(StrictField, _read_page, _ID)
PageSize = partial(
    StrictField, _read_page_size, {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE}
)
