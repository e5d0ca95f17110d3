"""Row reading: what all kinds of rows share: cells into values, values into fields."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from billing.domain.bulk_intake import Cells, InvalidRowError
from billing.domain.errors import InvalidValueError
from billing.domain.fields import read_id_text, shown
from billing.domain.strict_json import loads

Reader = Callable[[object], object]


def cell_id(cell: str) -> object:
    """Read an id out of a CSV cell."""
    return read_id_text(cell)


def cell_json(cell: str) -> object:
    """Read JSON text out of a CSV cell."""
    return loads(cell)


def values_of_cells(
    cells: Cells,
    known: Collection[str],
    converters: Mapping[str, Callable[[str], object]],
    ignored: list[str],
) -> dict[str, object]:
    """Return a CSV row as the JSON object it stands for.

    Cells are trimmed, empty ones are missing; columns outside `known` are noted in `ignored`.
    """
    values: dict[str, object] = {}
    problems = []
    for name, cell in cells.items():
        if name not in known:
            if name not in ignored:
                ignored.append(name)
            continue
        text = cell.strip()
        convert = converters.get(name)
        try:
            values[name] = None if not text else convert(text) if convert else text
        except InvalidValueError as error:
            problems.append(error.at(name))
    if problems:
        raise InvalidRowError(*problems)
    return values


def read_fields(
    row: Mapping[str, object], readers: Mapping[str, Reader], required: Collection[str]
) -> dict[str, Any]:
    """Return the row's fields as read; raise InvalidRowError with everything that is wrong."""
    values: dict[str, Any] = {}
    problems = []
    for name, value in row.items():
        reader = readers.get(name)
        if reader is None:
            problems.append(InvalidValueError("Unknown field.", field=shown(name)))
            continue
        if isinstance(value, str) and (not value or value.isspace()):
            value = None  # noqa: PLW2901 empty text is missing, whatever the field
        if value is None and name in required:
            continue  # Said once, below.
        try:
            values[name] = reader(value)
        except InvalidValueError as error:
            problems.append(error.at(name))
    problems += [
        InvalidValueError("Missing data for required field.", field=name)
        for name in required
        if values.get(name) is None and not any(p.field == name for p in problems)
    ]
    if problems:
        raise InvalidRowError(*problems)
    return values
