"""MemoryProducts: products by customer and normalised SKU."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from billing.adapters.memory.state import MemoryRepository, part_of
from billing.domain.catalog import Product, normalise_sku
from billing.domain.report_query import Slice
from billing.domain.repositories import Outcome


class MemoryProducts(MemoryRepository):
    """The products of the customers that this transaction may see."""

    def known(self, keys: Collection[tuple[int, str]], /) -> dict[tuple[int, str], Product]:
        products, access = self._unit.state.products, self._unit.access
        return {key: products[key] for key in keys if key in products and access.allows(key[0])}

    def save(self, products: Sequence[Product], /) -> list[Outcome]:
        everything = dict(self._unit.state.products)
        outcomes = []
        for product in products:
            self._unit.require(product.customer_id)
            key = (product.customer_id, normalise_sku(product.sku))
            existing = everything.get(key)
            if existing == product:
                outcomes.append(Outcome.UNCHANGED)
            else:
                everything[key] = product
                outcomes.append(Outcome.UPDATED if existing else Outcome.CREATED)
        self._unit.state = replace(self._unit.state, products=everything)
        return outcomes

    def units_per_case(self, customer_id: int, /) -> dict[str, int]:
        return {key[1]: product.units_per_case for key, product in self._of(customer_id)}

    def page(self, customer_id: int | None, part: Slice, /) -> Iterator[Product]:
        return part_of((product for _, product in self._of(customer_id)), part)

    def count(self, customer_id: int | None, /) -> int:
        return len(self._of(customer_id))

    def _of(self, customer_id: int | None) -> list[tuple[tuple[int, str], Product]]:
        access = self._unit.access
        return sorted(
            (key, product)
            for key, product in self._unit.state.products.items()
            if customer_id in {None, key[0]} and access.allows(key[0])
        )
