"""Legacy conversion: tables in, rows out, and a reason for whatever is left out."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing.adapters.legacy import Conversion, Export, Known, convert
from billing.domain.bulk_intake import Cells
from billing.domain.errors import InvalidValueError
from billing.domain.rate_reading import read_rates

NEW_YEAR = date(2023, 1, 1)
Row = dict[str, Any]


def service(name: str, charge_type: str = "quantity", service_id: int = 1) -> Row:
    """Return a row of the table of services."""
    return {"id": service_id, "service_name": name, "charge_type": charge_type}


def owned(service_id: int = 1, price: str | None = "0.40", skus: Any = "", **more: Any) -> Row:
    """Return a row of the table of customer services: of customer 7, unless told otherwise."""
    row = {"id": 10 + service_id, "customer_id": 7, "service_id": service_id}
    return {**row, "unit_price": price, "skus": skus, **more}


def product(sku: str = "AB-1", **more: Any) -> Row:
    """Return a row of the table of products."""
    return {"customer_id": 7, "sku": sku, **more}


def converted(known: Known | None = None, groups: Any = "all", **tables: Any) -> Conversion:
    """Convert an export that has customer 7, and whatever tables are given."""
    export = {"customers": [{"id": 7, "company_name": "Harbor Goods"}], **tables}
    known = known or Known()
    return convert(Export(**export), NEW_YEAR, known=known, several_groups=groups)


def rates(conversion: Conversion) -> list[Row]:
    """Return the rates of the only card, which the rate book takes as they are."""
    assert conversion.unturned == []
    (card,) = conversion.cards
    assert (card["customer_id"], card["effective_from"]) == (7, "2023-01-01")
    assert read_rates(card["rates"])
    rates: list[Row] = card["rates"]
    return rates


def unturned(conversion: Conversion) -> list[tuple[str, str]]:
    """Return table and id of what is left out."""
    return [(table, name) for table, name, _ in conversion.unturned]


def unit(measure: str, price: str = "0.40") -> Row:
    """Return a unit price."""
    return {"model": "unit", "measure": measure, "unit_price": price}


CASE = product(labeling_unit_1="Case", labeling_quantity_1=12)


@pytest.mark.parametrize(
    ("name", "products", "measure"),
    [
        ("Labels", [CASE], "units"),
        ("pick  COST", [CASE], "loose_units"),
        ("Pick Cost", [product(labeling_unit_1="Each", labeling_quantity_1=1)], "units"),
        ("Pick Cost", [], "units"),
        ("Case Pick", [], "cases"),
        ("Case Pick", [CASE], "cases"),
        ("SKU Cost", [CASE], "skus"),
    ],
)
def test_a_quantity_is_counted_by_the_service_s_name(
    name: str, products: list[Row], measure: str
) -> None:
    """Picking counts what is not in full cases, if any product has cases."""
    conversion = converted(services=[service(name)], customer_services=[owned()], products=products)
    assert rates(conversion) == [{"service_id": 1, "price": unit(measure)}]


def test_picking_beside_case_picking_counts_loose_units_in_any_case() -> None:
    """Without its products an order then needs attention, instead of paying for a unit twice."""
    conversion = converted(
        services=[service("Pick Cost"), service("Case Pick", service_id=2)],
        customer_services=[owned(), owned(2)],
    )
    measures = [rate["price"]["measure"] for rate in rates(conversion)]
    assert measures == ["loose_units", "cases"]
    assert conversion.notes == []


def test_cases_that_are_stored_already_count_too() -> None:
    """Products may have been imported before."""
    services, rows = [service("Pick Cost")], [owned()]
    stored = converted(Known(case_customers={7}), services=services, customer_services=rows)
    assert rates(stored)[0]["price"] == unit("loose_units")
    noted = converted(services=services, customer_services=rows)
    assert rates(noted)[0]["price"] == unit("units")
    assert [note.text[:38] for note in noted.notes] == ["no product of the customer has a case:"]


def test_a_single_charge_is_flat() -> None:
    """Once an order, whatever SKUs it is assigned, which is worth a look."""
    conversion = converted(
        services=[service("Rush", "Single")], customer_services=[owned(price="12", skus="A-1")]
    )
    assert rates(conversion) == [{"service_id": 1, "price": {"model": "flat", "amount": "12"}}]
    assert [note[:2] for note in conversion.notes] == [("customer_services", "11")]


@pytest.mark.parametrize(("name", "notes"), [("Glass", 0), ("Case Pick", 1), ("Pick Cost", 0)])
def test_assigned_skus_are_billed_by_their_units(name: str, notes: int) -> None:
    """Also for a service whose name would count something else, which is worth a look."""
    conversion = converted(
        services=[service(name)], customer_services=[owned(skus="A-1; B-2")], products=[CASE]
    )
    assert rates(conversion) == [{"service_id": 1, "price": unit("units"), "skus": ["A-1", "B-2"]}]
    assert len(conversion.notes) == notes


def test_picking_leaves_assigned_skus_to_their_own_services() -> None:
    """Of every quantity service of the customer; SKU Cost and others still count them."""
    names = ("Pick Cost", "Case Pick", "SKU Cost", "Labels", "Glass", "Wine", "Rush")
    services = [service(name, service_id=number) for number, name in enumerate(names, start=1)]
    services[6]["charge_type"] = "single"
    assigned = {5: "A-1;B-2", 6: "a 1;C-3", 7: "D-4"}
    rows = [owned(number, skus=assigned.get(number, "")) for number in range(1, 8)]
    found = rates(converted(services=services, customer_services=rows, products=[CASE]))
    excluded = [rate.get("exclude_skus") for rate in found]
    assert excluded == [["a 1", "B-2", "C-3"]] * 2 + [None] * 5


def test_other_customers_keep_their_own_skus() -> None:
    """What is assigned for one excludes nothing for another, and each has a card."""
    conversion = converted(
        known=Known(customers={8: "Plain Papers"}),
        services=[service("Pick Cost"), service("Glass", service_id=2)],
        customer_services=[owned(), owned(2, skus="A-1", customer_id=8)],
    )
    assert [card["customer_id"] for card in conversion.cards] == [7, 8]
    assert "exclude_skus" not in conversion.cards[0]["rates"][0]


class TestRules:
    """Rule groups become conditions of the customer service they belong to."""

    def convert(self, groups: list[Row], rules: list[Row], several: str = "all") -> Conversion:
        """Convert one service with these groups and rules."""
        return converted(
            groups=several,
            services=[service("Rush", "single")],
            customer_services=[owned()],
            rule_groups=groups,
            rules=rules,
        )

    def group(self, group_id: int, operator: str = "AND", owner: int = 11) -> Row:
        """Return a row of the table of rule groups."""
        return {"id": group_id, "customer_service_id": owner, "logic_operator": operator}

    def rule(self, group_id: int, value: str, **more: Any) -> Row:
        """Return a rule on the carrier."""
        row = {"id": 90 + group_id, "rule_group_id": group_id, "field": "carrier"}
        return {**row, "operator": "eq", "value": value, **more}

    def test_one_group_is_the_condition(self) -> None:
        """And one rule in it is the condition itself."""
        (rate,) = rates(self.convert([self.group(1)], [self.rule(1, "UPS")]))
        assert rate["when"] == {"field": "carrier", "op": "eq", "value": "UPS"}

    @pytest.mark.parametrize("several", ["all", "any"])
    def test_several_groups_combine_as_told(self, several: str) -> None:
        """It is worth a look: nobody but the old system's owner can tell."""
        conversion = self.convert(
            [self.group(1), self.group(2, "NOT")],
            [self.rule(1, "UPS"), self.rule(2, "DHL")],
            several,
        )
        (rate,) = rates(conversion)
        assert rate["when"] == {
            several: [
                {"field": "carrier", "op": "eq", "value": "UPS"},
                {"none": [{"field": "carrier", "op": "eq", "value": "DHL"}]},
            ]
        }
        assert [note[:2] for note in conversion.notes] == [("customer_services", "11")]
        assert f"combine with {several}" in conversion.notes[0].text

    def test_each_wrong_rule_is_said_and_its_service_left_out(self) -> None:
        """A rate without one of its rules would bill more than agreed."""
        conversion = self.convert(
            [self.group(1), self.group(2)],
            [
                self.rule(1, "UPS", id=91),
                self.rule(1, "UPS", id=92, operator="like"),
                self.rule(1, "UPS", id=93, adjustment_amount=Decimal("2.50")),
                self.rule(2, "UPS", id=94),
            ],
        )
        assert conversion.cards == []
        assert unturned(conversion) == [
            ("rules", "92"),
            ("rules", "93"),
            ("customer_services", "11"),
        ]
        assert conversion.unturned[-1].text == "Its rule group 1 could not be turned."

    @pytest.mark.parametrize("operator", ["IF", ""])
    def test_a_wrong_group_leaves_its_service_out(self, operator: str) -> None:
        """So does one without rules, of which nobody knows what it means."""
        wrong = self.convert([self.group(1, operator)], [self.rule(1, "UPS")])
        assert unturned(wrong) == [("rule_groups", "1"), ("customer_services", "11")]
        empty = self.convert([self.group(1)], [])
        assert unturned(empty) == [("rule_groups", "1"), ("customer_services", "11")]

    def test_what_belongs_to_nothing_is_said(self) -> None:
        """A part of the export is missing."""
        conversion = self.convert([self.group(1, owner=99)], [self.rule(2, "UPS")])
        assert unturned(conversion) == [("rules", "92"), ("rule_groups", "1")]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (owned(price=None), "unit_price: It has none"),
        (owned(price="0.1234567"), "unit_price: Has more than 6 decimals."),
        (owned(price="$0.40"), "unit_price: Not a valid number"),
        (owned(skus="A-1,B-2"), "skus: SKUs are separated by ;"),
        (owned(2), "Its service 2 is not in the export"),
        (owned(3), "charge_type case_based_tier is neither single nor quantity."),
        (owned(customer_id=9), "customer_id: Customer with ID 9 not found"),
        (owned(customer_id=""), "customer_id: Not a valid id"),
    ],
)
def test_a_customer_service_that_cannot_be_turned_is_left_out(row: Row, why: str) -> None:
    """With its column and the reason; the others have their rates."""
    conversion = converted(
        services=[service("Labels"), service("Tiers", "case_based_tier", 3)],
        customer_services=[row, owned(id=99)],
    )
    assert [remark[:2] for remark in conversion.unturned] == [("customer_services", str(row["id"]))]
    assert conversion.unturned[0].text.startswith(why)
    assert len(conversion.cards[0]["rates"]) == 1


def test_a_second_single_charge_of_a_service_is_left_out() -> None:
    """There only the first that applies is due."""
    conversion = converted(
        services=[service("Rush", "single")], customer_services=[owned(), owned(id=12)]
    )
    assert unturned(conversion) == [("customer_services", "12")]


def test_nobody_s_id_gets_another_meaning() -> None:
    """A customer or service that is stored under another name stays, and its prices are not put
    on somebody else.
    """
    conversion = converted(
        Known(customers={7: "ACME Corp"}, services={1: "Picking"}),
        services=[service("Pick Cost"), service("Rush", "single", 2)],
        customer_services=[owned(), owned(2, customer_id=8)],
    )
    assert [remark.text for remark in conversion.unturned[:3]] == [
        "id: It is there already as ACME Corp.",
        "id: It is there already as Picking.",
        "customer_id: Customer with ID 7 not found",
    ]
    assert conversion.cards == []


class TestProducts:
    """The labeling unit that is called a case is the case."""

    @pytest.mark.parametrize(
        ("labels", "units_per_case"),
        [
            ({}, 1),
            ({"labeling_unit_1": "Case", "labeling_quantity_1": 12}, 12),
            ({"Labeling Unit 3": " cASE ", "Labeling Quantity 3": "12.0"}, 12),
            ({"labeling_unit_1": "Each", "labeling_quantity_1": 6}, 1),
            (
                {
                    "labeling_unit_1": "Case",
                    "labeling_quantity_1": 12,
                    "labeling_unit_2": "case",
                    "labeling_quantity_2": 12,
                },
                12,
            ),
        ],
    )
    def test_units_per_case(self, labels: Row, units_per_case: int) -> None:
        """In any case and any column; a product without one is all loose."""
        conversion = converted(products=[product(**labels)])
        assert conversion.products == [
            {"customer_id": 7, "sku": "AB-1", "units_per_case": units_per_case}
        ]

    @pytest.mark.parametrize(
        ("row", "why"),
        [
            (product(labeling_unit_1="Case"), "labeling_quantity_1: Its case has no quantity."),
            (
                product(labeling_unit_1="Case", labeling_quantity_1="1.5"),
                "labeling_quantity_1: Must have no decimals.",
            ),
            (
                product(labeling_unit_2="Case", labeling_quantity_2=0),
                "labeling_quantity_2: Out of range",
            ),
            (
                product(
                    labeling_unit_1="Case",
                    labeling_quantity_1=6,
                    labeling_unit_2="Case",
                    labeling_quantity_2=12,
                ),
                "It has cases of different sizes: labeling_unit_1, labeling_unit_2.",
            ),
            (product(sku=""), "sku: Missing"),
            (product(customer_id=9), "customer_id: Customer with ID 9 not found"),
        ],
    )
    def test_a_doubtful_case_is_left_out(self, row: Row, why: str) -> None:
        """Its orders need attention then, instead of being counted wrong."""
        conversion = converted(products=[row])
        assert conversion.products == []
        assert conversion.unturned[0].text.startswith(why)


class TestExport:
    """Tables are read whole, under any of the names that their columns have."""

    def test_columns_have_other_names(self) -> None:
        """Case and spaces of a header do not matter; what says nothing of a price is noted."""
        export = Export(
            customer_services=[
                Cells(
                    {
                        "ID": "11.0",
                        "Customer": "7.0",
                        "service": "1",
                        "Unit Price": " 0.40 ",
                        "assigned_skus": "A-1",
                        "created_at": "2022",
                    }
                )
            ]
        )
        (row,) = export.table("customer_services")
        assert (row["customer_id"], row["unit_price"], row["skus"]) == ("7.0", "0.40", "A-1")
        assert export.ignored == {"customer_services": ["created_at"]}
        assert export.table("rules") == []

    def test_lists_of_texts_are_lists(self) -> None:
        """JSON may say so itself."""
        (row,) = Export(customer_services=[owned(skus=["A-1", "B-2"])]).table("customer_services")
        assert row["skus"] == "A-1;B-2"

    @pytest.mark.parametrize(
        ("tables", "why"),
        [
            ({"services": [{"id": 1}]}, "services: there is no column name."),
            ({"services": [5]}, "services: row 1: Not a JSON object."),
            (
                {"rules": [InvalidValueError("More cells than the header has columns.")]},
                "rules: row 1: More cells than the header has columns.",
            ),
            (
                {"services": [service("A"), service("B")]},
                "services: row 2 has the id 1 again.",
            ),
            ({"services": [service("A", service_id=0) | {"id": ""}]}, "services: row 1 has no id."),
            (
                {"customer_services": [owned(skus=[12, 13])]},
                "customer_services: row 1, skus: Not a list of texts.",
            ),
        ],
    )
    def test_a_table_that_is_not_whole_is_refused(self, tables: Any, why: str) -> None:
        """Of a rule that is lost nobody knows what it forbade."""
        with pytest.raises(InvalidValueError) as refused:
            Export(**tables)
        assert str(refused.value) == why

    def test_empty_tables_are_fine(self) -> None:
        """A customer may have no rules."""
        assert converted(services=[], customer_services=[], rule_groups=[], rules=[]).cards == []
