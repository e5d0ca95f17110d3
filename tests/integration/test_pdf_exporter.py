"""The PDF exporter: what its pages say, that any text prints, and that equal reports are equal."""

import gc
import hashlib
import io
import itertools
import json
import os
import re
import subprocess
import sys
import weakref
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from fpdf import FPDF
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from billing.adapters.exporters import pdf_exporter, pdf_fonts, pdf_orders
from billing.adapters.exporters.pdf_exporter import MOST_ORDERS, PdfExporter
from billing.adapters.exporters.pdf_fonts import BOX, Fonts
from billing.adapters.exporters.pdf_runs import runs_as_printed
from billing.adapters.exporters.pdf_shaping import Typesetter
from billing.adapters.exporters.pdf_style import BODY, ROW, STRONG
from billing.adapters.exporters.pdf_text import cut, grouped, wrap
from billing.domain.costs import ServiceTotal
from billing.domain.document import ReportDocument
from billing.domain.errors import ReportTooLargeError
from billing.domain.pages import Section
from billing.domain.period import BillingPeriod
from billing.domain.report import ReportContent, ReportHeadline, ReportStatus

CONTENT = ReportContent(
    customer_id=1234,
    customer_name="Acme & Sons",
    period=BillingPeriod(date(2023, 1, 1), date(2023, 1, 31)),
    currency="USD",
    total_amount=Decimal("1234567.89"),
    order_count=0,
    exception_count=0,
    services=None,
    content_hash="0123456789abcdef" * 4,
)
TOTALS = (
    ServiceTotal(1, "Picking", Decimal("500.00")),
    ServiceTotal(2, "Packing", Decimal("1234067.89")),
)
EXCEPTIONS = [
    {
        "order_id": 777,
        "reason": "needs_attention",
        "problems": ["weight_lb is missing", "SKU A-1 has no product"],
    },
    {"order_id": 778, "reason": "cancelled", "problems": []},
]
SCRIPTS = {
    "Polish": "Łódź",
    "Vietnamese": "Tiếng Việt",
    "Greek": "Ελληνικά",
    "Russian": "Русский",
    "Japanese": "東京カタカナ",
    "Chinese": "臺灣广东龘",
    "Korean": "서울물류",
    "Arabic": "العربية",
    "Hebrew": "שלום",
    "Hindi": "शिपिंग",
    "Bengali": "কোম্পানি",
    "Tamil": "நிறுவனம்",
    "Thai": "บริษัท",
    "Georgian": "კომპანია",
    "Armenian": "ընկերություն",
    "Amharic": "አማርኛ",
    "Khmer": "ក្រុមហ៊ុន",
    "arrows and shapes": "→≥★✓",
}


def order(order_id: int, costs: Sequence[dict[str, Any]] = (), **fields: Any) -> str:
    """Write one billed order as a report's page holds it; amounts keep the text they have."""
    entry: dict[str, Any] = {
        "order_id": order_id,
        "reference_number": f"PO-{order_id}",
        "order_date": "2023-01-05",
        "total_amount": "12.50",
        "service_costs": costs or [cost("Picking", "12.50", quantity="5")],
    }
    # Amounts are JSON numbers; as floats they would lose their decimals here.
    return json.dumps(entry | fields).replace('"<', "").replace('>"', "")


def cost(name: str, amount: str, **fields: str) -> dict[str, Any]:
    """Return one cost of an order; its numbers are written bare."""
    numbers = {key: f"<{value}>" for key, value in (fields | {"amount": amount}).items()}
    return {"service_id": 1, "service_name": name} | numbers


def document(
    orders: Sequence[str] = (),
    status: ReportStatus | None = ReportStatus.FINAL,
    exceptions: Sequence[dict[str, Any]] = (),
    letterhead: str = "Northgate Warehousing",
    **changes: Any,
) -> ReportDocument:
    """Build a report's document from its pages; without a status it is a preview."""
    changed = replace(CONTENT, order_count=len(orders), **changes)
    content = changed
    if status is not None:
        fields = {name: getattr(changed, name) for name in ReportContent.__dataclass_fields__}
        created_at = datetime(2023, 2, 1, 12, 0, 30, tzinfo=UTC)
        content = ReportHeadline(id=17, created_at=created_at, status=status, **fields)
    texts: dict[Section, list[str]] = {
        "orders": [",".join(orders[start : start + 500]) for start in range(0, len(orders), 500)],
        "exceptions": [json.dumps(exceptions)[1:-1]] if exceptions else [],
    }
    return ReportDocument(content, TOTALS, letterhead, lambda section: encoded(texts[section]))


def encoded(texts: Sequence[str]) -> Iterator[bytes]:
    """Return a section's pages."""
    return (text.encode() for text in texts)


def rendered(report: ReportDocument) -> bytes:
    """Return the report's PDF."""
    out = io.BytesIO()
    PdfExporter().render(report, out)
    return out.getvalue()


def pages_of(report: ReportDocument) -> list[str]:
    """Return the text of each page of the report's PDF."""
    return [page.extract_text() for page in PdfReader(io.BytesIO(rendered(report))).pages]


def text_of(report: ReportDocument) -> str:
    """Return the text of the report's PDF, words parted by one space."""
    return " ".join(" ".join(pages_of(report)).split())


@pytest.fixture(scope="module")
def fonts() -> Iterator[Fonts]:
    """The fonts of a PDF with an open page."""
    pdf = FPDF()
    pdf.add_page()
    with closing(Fonts(pdf)) as opened:
        yield opened


@pytest.fixture(scope="module")
def typesetter(fonts: Fonts) -> Typesetter:
    """A typesetter over all the shipped fonts."""
    return Typesetter(fonts)


def test_the_first_page_says_who_bills_whom_for_when_and_how_much() -> None:
    """Letterhead, customer, period, report, status, total and hash are on the page."""
    first = pages_of(document([order(1), order(2)]))[0]
    for text in (
        "Northgate Warehousing",
        "Billing report",
        "Acme & Sons",
        "No. 1234",
        "2023-01-01 \N{EN DASH} 2023-01-31",
        "No. 17",
        "Final",
        "2023-02-01 12:00 UTC",
        "USD 1,234,567.89",
        "2 orders",
        "0123456789abcdef" * 4,
    ):
        assert text in first


def test_the_totals_by_service_are_listed_with_grouped_amounts() -> None:
    """Every service and its total, to the last digit."""
    assert (
        "Totals by service SERVICE AMOUNT (USD)"
        " Picking 500.00 Packing 1,234,067.89 Total 1,234,567.89"
    ) in text_of(document([order(1)]))


def test_an_order_is_listed_with_its_costs_and_their_quantities() -> None:
    """Date, number, reference, total; and each cost, with a quantity where a rate made it."""
    costs = [cost("Picking", "1200.00", quantity="2.5"), cost("Freight", "-34.50")]
    text = text_of(document([order(42, costs, total_amount="<1165.50>")]))
    assert "2023-01-05 42 PO-42 1,165.50 Picking 2.5 1,200.00 Freight -34.50 Total" in text


@pytest.mark.parametrize(
    ("currency", "amount", "shown"),
    [("JPY", "1200", "1,200"), ("KWD", "1200.125", "1,200.125"), ("USD", "0.10", "0.10")],
)
def test_amounts_keep_the_decimals_of_their_currency(
    currency: str, amount: str, shown: str
) -> None:
    """What the report holds is printed as it stands, never through a binary float."""
    text = text_of(document([order(1, [cost("Picking", amount)])], currency=currency))
    assert f"Picking {shown} " in text
    assert f"AMOUNT ({currency})" in text


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("0.00", "0.00"),
        ("999.99", "999.99"),
        ("1234.50", "1,234.50"),
        ("-1234.50", "-1,234.50"),
        ("-123.45", "-123.45"),
        ("-0.05", "-0.05"),
        (1234567, "1,234,567"),
        ("9999999999999.99", "9,999,999,999,999.99"),
        ("999999999.123456", "999,999,999.123456"),
    ],
)
def test_thousands_are_grouped(number: str | int, shown: str) -> None:
    """No digit is lost or added."""
    assert grouped(number) == shown


def test_a_report_without_orders_is_a_page_that_says_so() -> None:
    """Nothing to bill is still a document."""
    pages = pages_of(document())
    assert len(pages) == 1
    assert "No order of the period is billed." in pages[0]


def test_a_reference_may_be_missing() -> None:
    """The order is listed without it."""
    assert "2023-01-05" in text_of(document([order(1, reference_number=None)]))


@pytest.mark.parametrize(
    ("status", "word"),
    [(ReportStatus.DRAFT, "DRAFT"), (ReportStatus.VOID, "VOID"), (None, "PREVIEW")],
)
def test_what_is_no_bill_says_so_across_each_page(status: ReportStatus | None, word: str) -> None:
    """A draft, a void report and a preview cannot be taken for a bill."""
    pages = pages_of(document([order(number) for number in range(60)], status))
    assert len(pages) > 2
    assert all(word in page for page in pages)


def test_a_final_report_bears_no_word_across() -> None:
    """Only its foot says what it is."""
    text = text_of(document([order(1)]))
    assert not any(word in text for word in ("DRAFT", "VOID", "PREVIEW"))
    assert "Billing report 17 · final" in text


@pytest.mark.parametrize("status", [ReportStatus.DRAFT, None])
def test_a_draft_ends_with_its_exceptions(status: ReportStatus | None) -> None:
    """Each with its reason and problems, on the last page."""
    last = pages_of(document([order(1)], status, EXCEPTIONS))[-1]
    for text in (
        "Orders that are not, or not fully, billed",
        "777",
        "needs attention",
        "weight_lb is missing; SKU A-1 has no product",
        "778",
        "cancelled",
    ):
        assert text in last


@pytest.mark.parametrize("status", [ReportStatus.FINAL, ReportStatus.VOID])
def test_exceptions_never_reach_a_customer(status: ReportStatus) -> None:
    """What a final report leaves out is not the customer's concern."""
    text = text_of(document([order(1)], status, EXCEPTIONS))
    assert "777" not in text
    assert "weight_lb" not in text


def test_of_very_many_exceptions_the_rest_is_counted() -> None:
    """The list stays readable and no exception is passed over in silence."""
    number = pdf_orders.MOST_EXCEPTIONS + 7
    many = [{"order_id": 1, "reason": "nothing_applies", "problems": []}] * number
    text = text_of(document(status=ReportStatus.DRAFT, exceptions=many))
    assert text.count("nothing applies") == pdf_orders.MOST_EXCEPTIONS
    assert "and 7 more" in text


def test_a_partial_report_names_the_chosen_services() -> None:
    """It says that only some services are billed, by name where one was billed."""
    pages = pages_of(document([order(n) for n in range(60)], services=(1, 9)))
    assert "Partial report: only the chosen services are billed (Picking, service 9)." in pages[0]
    assert "partial" in pages[1]
    assert "artial" not in text_of(document([order(1)]))


def test_of_very_many_chosen_services_the_rest_is_counted() -> None:
    """The first page keeps its room for the bill."""
    assert "and 490 more)" in text_of(document(services=tuple(range(1, 501))))


def test_every_page_repeats_its_headers_and_says_which_it_is_of_how_many() -> None:
    """A page that is taken out of the pile can be put back."""
    pages = pages_of(document([order(10_000 + number) for number in range(1_200)]))
    assert len(pages) > 20
    for number, page in enumerate(pages, start=1):
        assert f"Page {number} of {len(pages)}" in page
        assert "REFERENCE" in page
        if number > 1:
            assert "Northgate Warehousing · Acme & Sons" in page
            assert "Billing report 17, 2023-01-01 to 2023-01-31" in page


def test_every_order_is_printed_once_with_a_cost_below_its_head() -> None:
    """No head stands alone at the foot of a page, and the total never stands alone on one."""
    for count in range(30, 50):
        orders = [
            order(9_000_000 + number, [cost(f"cost of {number}", "1.00")] * (number % 8 + 1))
            for number in range(count)
        ]
        pages = pages_of(document(orders))
        assert all("cost of" in page for page in pages)
        for number in range(count):
            (page,) = [page for page in pages if str(9_000_000 + number) in page.split()]
            assert page.count(f"cost of {number} ") >= min(number % 8 + 1, 5)


def test_a_long_order_goes_on_over_pages_under_its_number() -> None:
    """All of its costs are printed, and each page says whose they are."""
    costs = [cost(f"cost {number}", "1.00") for number in range(200)]
    pages = pages_of(document([order(5), order(4711, costs), order(6)]))
    assert all("4711, continued" in page for page in pages[1:])
    printed = re.findall(r"cost (\d+)", " ".join(pages))
    assert printed == [str(number) for number in range(200)]


def test_an_order_with_more_costs_than_there_is_room_for_ends_in_their_sum(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Memory stays bounded, the amounts still add up, and the bill says what it did."""
    monkeypatch.setattr(pdf_orders, "MOST_ROWS", 8)
    costs = [cost(f"cost {number}", "0.10") for number in range(10)]
    text = text_of(document([order(1, costs), order(2)]))
    assert "cost 2 0.10 7 more costs, each listed in the csv and json 0.70 " in text
    assert "cost 3" not in text


@pytest.mark.parametrize("script", SCRIPTS)
def test_any_script_prints(script: str) -> None:
    """In the letterhead, the customer's name, a reference and a service's name."""
    text = SCRIPTS[script]
    report = document(
        [order(1, [cost(text, "1.00")], reference_number=text)],
        customer_name=text,
        letterhead=text,
    )
    shown = text_of(report)
    assert BOX not in shown.replace(text, "")
    for character in text:
        assert shown.count(character) >= 4


@pytest.mark.parametrize(
    "text", ["😀", "👩‍🚒 crew", "tab\there", "\x00", "\x7f", "\ue000", "𠀀", "ᏣᎳᎩ", "\ufdd0"]
)
def test_what_no_font_holds_prints_as_a_box(text: str) -> None:
    """Never a crash, and never a blank that hides that something is missing."""
    assert BOX in text_of(document([order(1)], customer_name=text))


def test_a_lone_surrogate_prints_as_a_box_too() -> None:
    """Even where a name came in past all checks, in the PDF's properties as well."""
    assert BOX in text_of(document([order(1)], customer_name="\ud800", letterhead="\udfff"))


def test_joiners_and_selectors_leave_no_trace() -> None:
    """Characters that are meant to be invisible are."""
    text = text_of(document([order(1)], customer_name="ze\u200bro\u200d wi\ufe0fdth\ufeff"))
    assert BOX not in text


def test_brackets_and_backslashes_print_as_they_are() -> None:
    """They are what a PDF's own strings end with."""
    text = r"a(b)c\d\(e\)) \r\n )("
    assert text in text_of(document([order(1)], customer_name=text))


def test_text_of_two_directions_prints_from_left_to_right_as_it_is_read(fonts: Fonts) -> None:
    """An Arabic name in a Latin line: the line's order stays, the name runs the other way."""
    base = fonts.base(bold=False)
    runs = runs_as_printed("ACME (شركة الشحن 2023) Ltd", base, fonts)
    assert [(run.level % 2, run.text) for run in runs] == [
        (0, "ACME ("),
        (0, "2023"),
        (1, "شركة الشحن "),
        (0, ") Ltd"),
    ]


def test_a_line_that_starts_from_the_right_is_turned_as_a_whole(fonts: Fonts) -> None:
    """A Hebrew line with a Latin name in it."""
    runs = runs_as_printed("שלום ABC עולם", fonts.base(bold=False), fonts)
    assert [run.text.strip() for run in runs if run.text.strip()] == ["עולם", "ABC", "שלום"]


def test_arabic_letters_are_joined(typesetter: Typesetter) -> None:
    """Joined forms are narrower than the letters one by one."""
    joined = typesetter.width("شركة", BODY)
    assert joined < sum(typesetter.width(letter, BODY) for letter in "شركة")


@given(
    text=st.text(
        st.one_of(st.characters(), st.sampled_from("aW €ŁЖ東서عשह\u0301\u200d😀")), max_size=120
    ),
    room=st.floats(60, 400),
)
@settings(deadline=None, max_examples=150)
def test_a_text_of_any_characters_is_cut_to_its_room(
    typesetter: Typesetter, text: str, room: float
) -> None:
    """Whatever a name holds, it never runs into the next column."""
    shown = cut(typesetter, text, STRONG, room)
    assert typesetter.width(shown, STRONG) <= room or len(shown) <= 2
    assert shown == text or shown.endswith("…")


@given(text=st.text(st.sampled_from("abc W東京서عשह-/ "), max_size=200), room=st.floats(60, 400))
@settings(deadline=None, max_examples=150)
def test_a_wrapped_text_loses_nothing_but_spaces(
    typesetter: Typesetter, text: str, room: float
) -> None:
    """Every line fits, and together they are the text."""
    lines = wrap(typesetter, text, BODY, room, 1_000)
    assert all(typesetter.width(line, BODY) <= room for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_a_wrapped_text_breaks_at_a_space(typesetter: Typesetter) -> None:
    """Words stay whole where they can; of too many lines the last is cut."""
    text = "a customer with a rather long name " * 4
    room = 120.0
    assert all(line in text for line in wrap(typesetter, text.strip(), BODY, room, 20))
    lines = wrap(typesetter, text.strip(), BODY, room, 2)
    assert len(lines) == 2
    assert lines[1].endswith("…")


def test_long_texts_keep_clear_of_the_amounts() -> None:
    """A reference is wrapped, a service's name cut, and a number too wide is condensed."""
    reference = "Z" * 255
    costs = [cost("N" * 255, "1.00", quantity="999999999.123456")]
    text = text_of(document([order(2**63 - 1, costs, reference_number=reference)]))
    assert text.count("Z") == 255
    assert "N" * 255 not in text
    assert "NNN… " in text
    assert "999,999,999.123456" in text


def test_a_report_above_the_limit_is_refused_before_anything_is_stored() -> None:
    """The refusal names the limit and the way out; the limit itself is fine."""
    exporter = PdfExporter()
    exporter.check(replace(CONTENT, order_count=MOST_ORDERS))
    with pytest.raises(ReportTooLargeError, match=r"at most 20,000 orders .* csv or json"):
        exporter.check(replace(CONTENT, order_count=MOST_ORDERS + 1))


def test_equal_reports_give_equal_bytes() -> None:
    """No clock, no random id: a download can be compared by its ETag."""
    orders = [order(number, reference_number="東京 Łódź عربي") for number in range(3)]
    assert rendered(document(orders)) == rendered(document(orders))
    assert rendered(document(orders)) != rendered(document(orders, ReportStatus.VOID))


def test_another_process_gives_the_same_bytes() -> None:
    """Nothing depends on how a process hashes its texts."""
    code = (
        "import hashlib; from tests.integration import test_pdf_exporter as t;"
        "report = t.document([t.order(1, reference_number='東京 Łódź عربي')]);"
        "print(hashlib.sha256(t.rendered(report)).hexdigest())"
    )
    other = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
        capture_output=True,
        text=True,
    )
    report = document([order(1, reference_number="東京 Łódź عربي")])
    assert other.stdout.strip() == hashlib.sha256(rendered(report)).hexdigest()


def test_the_properties_name_the_report_and_when_it_was_filed() -> None:
    """What a viewer shows as title and date."""
    reader = PdfReader(io.BytesIO(rendered(document([order(1)]))))
    assert reader.metadata is not None
    assert reader.metadata.title == "Billing report 17, Acme & Sons"
    assert reader.metadata.author == "Northgate Warehousing"
    assert reader.metadata.creation_date == datetime(2023, 2, 1, 12, 0, 30, tzinfo=UTC)


def test_a_latin_report_embeds_two_small_fonts() -> None:
    """The heavy fonts are read only for the texts that need them."""
    pdf = rendered(document([order(1)]))
    (page,) = PdfReader(io.BytesIO(pdf)).pages
    assert len(page["/Resources"]["/Font"]) == 2  # type: ignore[index]
    assert len(pdf) < 40_000


def test_every_font_file_is_used_and_every_font_used_is_there() -> None:
    """The table of the fonts and their folder agree; licences lie beside them."""
    files = {path.stem for path in pdf_fonts.FOLDER.glob("*.ttf")}
    named = {name for name, _, _ in pdf_fonts._PLACES}
    assert files == named | {pdf_fonts._REGULAR, pdf_fonts._BOLD}
    assert len(list(pdf_fonts.FOLDER.glob("LICENSE-*.txt"))) == 2


def test_a_failure_while_rendering_leaves_no_file_open() -> None:
    """Neither of the report's pages nor of the fonts; pytest fails on the warning."""

    def broken(_: Section) -> Iterator[bytes]:
        yield order(1).encode()
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        rendered(replace(document([order(1)]), section=broken))
    gc.collect()


def test_a_finished_pdf_is_let_go_without_the_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred downloads in a row need the memory of one."""
    made: list[weakref.ref[FPDF]] = []
    new_pdf = pdf_exporter._new_pdf

    def watched(report: ReportDocument) -> FPDF:
        pdf = new_pdf(report)
        made.append(weakref.ref(pdf))
        return pdf

    monkeypatch.setattr(pdf_exporter, "_new_pdf", watched)
    gc.collect()
    gc.disable()
    try:
        rendered(document([order(1)]))
        assert made[0]() is None
    finally:
        gc.enable()


def test_rows_are_a_line_apart() -> None:
    """Texts of neighbouring rows never overlap."""
    tops: list[float] = []

    def see(text: str, _: Any, matrix: Sequence[float], *_others: Any) -> None:
        if text.strip().startswith("cost "):
            tops.append(matrix[5])

    costs = [cost(f"cost {number}", "1.00") for number in range(20)]
    reader = PdfReader(io.BytesIO(rendered(document([order(1, costs)]))))
    reader.pages[0].extract_text(visitor_text=see)
    assert len(tops) == 20
    gaps = {round(above - below, 1) for above, below in itertools.pairwise(tops)}
    assert gaps == {ROW}
