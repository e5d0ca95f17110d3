"""SqlProducts: one row a product, keyed by customer and normalised SKU."""

from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import ColumnElement, and_, func, select

from billing.adapters.sql.bulk import BulkTable
from billing.adapters.sql.catalog import SqlRepository, sliced, visible
from billing.adapters.sql.mapping import product_from, product_row
from billing.adapters.sql.tables import products
from billing.domain.catalog import Product
from billing.domain.errors import CustomerNotFoundError
from billing.domain.report_query import Slice
from billing.domain.repositories import Outcome

_BULK = BulkTable(products)


class SqlProducts(SqlRepository):
    """The products of the customers that this transaction may see."""

    def known(self, keys: Collection[tuple[int, str]], /) -> dict[tuple[int, str], Product]:
        """Return those that exist, by customer and normalised SKU."""
        allowed = [key for key in keys if self._access.allows(key[0])]
        found = _BULK.existing(self._connection, allowed)
        return {(row[0], row[1]): product_from(row) for row in found.values()}

    def save(self, values: Sequence[Product], /) -> list[Outcome]:
        """Insert or replace products, none given twice; one outcome each, in their order."""
        for product in values:
            if not self._access.allows(product.customer_id):
                raise CustomerNotFoundError(product.customer_id)
        return _BULK.save(self._connection, [product_row(product) for product in values])

    def units_per_case(self, customer_id: int, /) -> dict[str, int]:
        """Return the units per case of a customer's products by normalised SKU."""
        statement = select(products.c.sku_key, products.c.units_per_case)
        found = self._connection.execute(statement.where(self._asked(customer_id)))
        return {row.sku_key: row.units_per_case for row in found}

    def page(self, customer_id: int | None, part: Slice, /) -> Iterator[Product]:
        """Return products by customer, then by normalised SKU."""
        statement = select(products).where(self._asked(customer_id))
        statement = statement.order_by(products.c.customer_id, products.c.sku_key)
        return map(product_from, self._connection.execute(sliced(statement, part)))

    def count(self, customer_id: int | None, /) -> int:
        """Return how many products `page` would return in all."""
        counted = select(func.count()).select_from(products).where(self._asked(customer_id))
        return self._connection.execute(counted).scalar_one()

    def _asked(self, customer_id: int | None) -> ColumnElement[bool]:
        mine = visible(products.c.customer_id, self._access)
        return mine if customer_id is None else and_(mine, products.c.customer_id == customer_id)
