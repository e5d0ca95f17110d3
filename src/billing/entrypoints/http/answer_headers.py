"""Headers of answers, as the document describes them."""

from typing import Any

Headers = dict[str, dict[str, Any]]


def _header(name: str, description: str, **schema: object) -> Headers:
    return {name: {"description": description, "schema": {"type": "string", **schema}}}


def attached(name: str) -> Headers:
    """Return the header of a file: its name."""
    return _header("Content-Disposition", f'For files: `attachment; filename="billing_{name}"`.')


LOCATED = _header("Location", "The path of the new report.", format="uri-reference")
ETAGGED = _header(
    "ETag", "Stands for the answer's bytes; a 201's for those that its `Location` answers."
)
REPLAYED = _header(
    "Idempotency-Replayed",
    "`true` on the answer to a call that an earlier one had done.",
    enum=["true"],
)
