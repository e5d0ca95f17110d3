"""StorageContract, part of the products: by customer and normalised SKU."""

import pytest

from billing.domain.access import Access
from billing.domain.catalog import Product
from billing.domain.errors import CustomerNotFoundError
from billing.domain.ports import Storage
from billing.domain.report_query import Slice
from billing.domain.repositories import Outcome
from billing.testing.world import ACME, EVERYTHING, WIDGETS, YEN, fill

# "ab1" < "cd2" < "żółć" < "東京" < "😀" in the order of code points.
PRODUCTS = [
    Product(ACME, "😀-1", 2),
    Product(ACME, "cd 2", 999_999_999),
    Product(YEN, 'A"B\\', 3),
    Product(ACME, "東 京", 4),
    Product(WIDGETS, "AB-1", 6),
    Product(ACME, "AB-1", 12),
    Product(ACME, "ŻÓŁĆ", 1),
]
SORTED = ["AB-1", "cd 2", "ŻÓŁĆ", "東 京", "😀-1"]


class ProductsContract:
    """What every Storage does with products."""

    @pytest.fixture
    def stocked(self, storage: Storage) -> Storage:
        """Return the storage with the small world and some products in it."""
        fill(storage)
        with storage.transaction(EVERYTHING) as tx:
            assert set(tx.products.save(PRODUCTS)) == {Outcome.CREATED}
        return storage

    def test_products_are_known_by_customer_and_normalised_sku(self, stocked: Storage) -> None:
        """They come back as they are written, found by the form in which SKUs compare."""
        keys = [(ACME, "ab1"), (ACME, "AB-1"), (WIDGETS, "ab1"), (YEN, 'a"b\\'), (ACME, "😀1")]
        with stocked.snapshot(EVERYTHING) as view:
            assert view.products.known(keys) == {
                (ACME, "ab1"): Product(ACME, "AB-1", 12),
                (WIDGETS, "ab1"): Product(WIDGETS, "AB-1", 6),
                (YEN, 'a"b\\'): Product(YEN, 'A"B\\', 3),
                (ACME, "😀1"): Product(ACME, "😀-1", 2),
            }
            assert view.products.known([]) == {}

    def test_saving_products_tells_what_it_did(self, stocked: Storage) -> None:
        """One outcome each, in the order given; a product is replaced as a whole."""
        rows = [Product(ACME, "AB-1", 12), Product(ACME, "cd 2", 7), Product(YEN, "AB-1", 1)]
        with stocked.transaction(EVERYTHING) as tx:
            outcomes = tx.products.save([*rows, Product(ACME, "東京", 4)])
            assert outcomes == [
                Outcome.UNCHANGED,
                Outcome.UPDATED,
                Outcome.CREATED,
                Outcome.UPDATED,
            ]
        with stocked.snapshot(EVERYTHING) as view:
            assert view.products.units_per_case(ACME) == {
                "ab1": 12,
                "cd2": 7,
                "żółć": 1,
                "東京": 4,
                "😀1": 2,
            }
            assert view.products.known([(ACME, "東京")])[ACME, "東京"].sku == "東京"
            assert view.products.units_per_case(999) == {}

    def test_products_are_listed_by_customer_then_sku(self, stocked: Storage) -> None:
        """SKUs in the order of code points of their normalised form, in parts if asked."""
        with stocked.snapshot(EVERYTHING) as view:
            listed = list(view.products.page(None, Slice()))
            mine = list(view.products.page(ACME, Slice()))
            assert [p.customer_id for p in listed] == [*[ACME] * 5, WIDGETS, YEN]
            assert [p.sku for p in mine] == SORTED
            assert listed[:5] == mine
            assert list(view.products.page(ACME, Slice(1, 2))) == mine[1:3]
            assert list(view.products.page(None, Slice(4))) == listed[4:]
            assert (view.products.count(None), view.products.count(ACME)) == (7, 5)
            assert view.products.count(999) == 0

    def test_nobody_sees_or_writes_anothers_products(self, stocked: Storage) -> None:
        """With an access, the products of other customers do not exist."""
        mine = Access.only([WIDGETS])
        with stocked.snapshot(mine) as view:
            assert [p.customer_id for p in view.products.page(None, Slice())] == [WIDGETS]
            assert list(view.products.page(ACME, Slice())) == []
            assert view.products.known([(ACME, "ab1"), (WIDGETS, "ab1")]).keys() == {
                (WIDGETS, "ab1")
            }
            assert view.products.units_per_case(ACME) == {}
            assert (view.products.count(None), view.products.count(ACME)) == (1, 0)
        with stocked.transaction(mine) as tx, pytest.raises(CustomerNotFoundError):
            tx.products.save([Product(ACME, "AB-1", 13)])

    def test_products_roll_back_with_their_transaction(self, stocked: Storage) -> None:
        """Neither a new nor a changed one is left of a failed transaction."""
        with pytest.raises(RuntimeError), stocked.transaction(EVERYTHING) as tx:  # noqa: PT012
            tx.products.save([Product(ACME, "AB-1", 99), Product(ACME, "New", 1)])
            assert tx.products.units_per_case(ACME)["new"] == 1
            raise RuntimeError
        with stocked.snapshot(EVERYTHING) as view:
            assert view.products.units_per_case(ACME)["ab1"] == 12
            assert view.products.count(ACME) == 5

    def test_the_longest_sku_is_kept_whole(self, stocked: Storage) -> None:
        """255 characters, whose normalised form may have three times as many."""
        longest = [Product(ACME, letter * 255, 3) for letter in ("x", "東", "ΐ")]
        with stocked.transaction(EVERYTHING) as tx:
            tx.products.save(longest)
        with stocked.snapshot(EVERYTHING) as view:
            assert len(view.products.units_per_case(ACME)) == 8
            assert set(longest) < set(view.products.page(ACME, Slice()))

    def test_many_products_are_saved_in_one_call(self, stocked: Storage) -> None:
        """A catalog of thousands comes back whole."""
        many = [Product(WIDGETS, f"S-{number}", number + 1) for number in range(3_000)]
        with stocked.transaction(EVERYTHING) as tx:
            assert len(tx.products.save(many)) == 3_000
            assert set(tx.products.save(many)) == {Outcome.UNCHANGED}
        with stocked.snapshot(EVERYTHING) as view:
            units = view.products.units_per_case(WIDGETS)
        assert units == {"ab1": 6, **{f"s{number}": number + 1 for number in range(3_000)}}
