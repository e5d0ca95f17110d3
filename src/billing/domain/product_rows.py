"""Product rows: how a row becomes a Product."""

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from billing.domain.audit import Change
from billing.domain.bulk_intake import Cells, InvalidRowError
from billing.domain.catalog import MAX_UNITS_PER_CASE, Product, normalise_sku, read_sku
from billing.domain.errors import CustomerNotFoundError, InvalidValueError
from billing.domain.fields import read_id, read_id_text
from billing.domain.ports import Repositories
from billing.domain.repositories import Outcome
from billing.domain.row_reading import Reader, cell_id, read_fields, values_of_cells

FIELDS = ("customer_id", "sku", "units_per_case")


@dataclass(slots=True)
class _Stored:
    """What a call stored of one customer's products. digest: over a line for each, in order."""

    created: int = 0
    updated: int = 0
    digest: Any = field(default_factory=hashlib.sha256)  # Of a type that hashlib does not name.

    def add(self, product: Product, outcome: Outcome) -> None:
        if outcome is Outcome.CREATED:
            self.created += 1
        else:
            self.updated += 1
        self.digest.update(f"{product.sku}\t{product.units_per_case}\n".encode())

    def change(self, customer_id: int) -> Change:
        return Change(
            action="products.stored",
            object_kind="products",
            object_id=str(customer_id),
            customer_id=customer_id,
            hash_after=self.digest.hexdigest(),
            details={"created": self.created, "updated": self.updated},
        )


class ProductRows:
    """Reads and saves products; one object serves one call."""

    key_field = "sku"

    def __init__(self) -> None:
        self.ignored_columns: list[str] = []
        self._stored: dict[int, _Stored] = {}

    def begin(self, row: dict[str, object], /) -> dict[str, object]:
        """Leave the row as it is: it is small."""
        return row

    def read(
        self, tx: Repositories, rows: Sequence[dict[str, object]], /
    ) -> list[Product | InvalidRowError]:
        """Read a batch; customers and colliding products are looked up once for all of them."""
        verdicts = [self._product(row) for row in rows]
        products = [verdict for verdict in verdicts if isinstance(verdict, Product)]
        customers = tx.customers.known({product.customer_id for product in products})
        existing = tx.products.known([self.key(product) for product in products])
        return [
            verdict
            if isinstance(verdict, InvalidRowError)
            else _checked(verdict, customers.keys(), existing.get(self.key(verdict)))
            for verdict in verdicts
        ]

    def key(self, product: Product, /) -> tuple[int, str]:
        """A product is known by its customer and its normalised SKU together."""
        return product.customer_id, normalise_sku(product.sku)

    def save(self, tx: Repositories, products: Sequence[Product], /) -> list[Outcome]:
        """Save a batch."""
        outcomes = tx.products.save(products)
        for product, outcome in zip(products, outcomes, strict=True):
            if outcome is not Outcome.UNCHANGED:
                self._stored.setdefault(product.customer_id, _Stored()).add(product, outcome)
        return outcomes

    def changes(self) -> list[Change]:
        """One a customer, with how many products were created and updated."""
        return [stored.change(customer_id) for customer_id, stored in sorted(self._stored.items())]

    def _product(self, row: dict[str, object]) -> Product | InvalidRowError:
        try:
            if isinstance(row, Cells):
                row = values_of_cells(row, FIELDS, _CELLS, self.ignored_columns)
            return Product(**read_fields(row, _READERS, FIELDS))
        except InvalidRowError as error:
            return error


def _checked(
    product: Product, customers: Collection[int], existing: Product | None
) -> Product | InvalidRowError:
    if product.customer_id not in customers:
        missing = str(CustomerNotFoundError(product.customer_id))
        return InvalidRowError(InvalidValueError(missing, field="customer_id"))
    if existing is not None and existing.sku != product.sku:
        collision = (
            f"Collides with the product {existing.sku}: SKUs compare without case, spaces and "
            "hyphens."
        )
        return InvalidRowError(InvalidValueError(collision, field="sku"))
    return product


def _read_units(value: object) -> int:
    if type(value) is int and 1 <= value <= MAX_UNITS_PER_CASE:
        return value
    raise InvalidValueError(f"Not a whole number from 1 to {MAX_UNITS_PER_CASE:,}.")


_READERS: dict[str, Reader] = {
    "customer_id": read_id,
    "sku": read_sku,
    "units_per_case": _read_units,
}
_CELLS: dict[str, Callable[[str], object]] = {
    "customer_id": cell_id,
    "units_per_case": read_id_text,
}
