"""Product rows: how a row becomes a Product."""

from collections.abc import Callable, Collection, Sequence

from billing.domain.bulk_intake import Cells, InvalidRowError
from billing.domain.catalog import MAX_UNITS_PER_CASE, Product, normalise_sku, read_sku
from billing.domain.errors import CustomerNotFoundError, InvalidValueError
from billing.domain.fields import read_id, read_id_text
from billing.domain.ports import Repositories
from billing.domain.repositories import Outcome
from billing.domain.row_reading import Reader, cell_id, read_fields, values_of_cells

FIELDS = ("customer_id", "sku", "units_per_case")


class ProductRows:
    """Reads and saves products; one object serves one call."""

    key_field = "sku"

    def __init__(self) -> None:
        self.ignored_columns: list[str] = []

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
        return tx.products.save(products)

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
