"""Idempotency: which bodies are equal, and what a repeated request gets."""

from decimal import Decimal
from functools import partial

import pytest

from billing.adapters.memory import MemoryStorage
from billing.bootstrap import Billing, compose
from billing.domain.access import Access
from billing.domain.errors import CustomerNotFoundError, ReportTooLargeError
from billing.domain.idempotency import KeyedRequest, KeyReusedError, body_sha256
from billing.domain.keyed_generation import Filed
from billing.domain.report import ReportContent
from billing.domain.report_query import ReportQuery
from billing.domain.strict_json import loads
from billing.testing.world import ACME, EVERYTHING, JANUARY, WIDGETS, TickingClock, fill

REQUEST = KeyedRequest("alice", "POST /reports/", "key", "0" * 64)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1, "b": [2]}', ' {"b":[2],\n"a":1}'),
        ("1", "1.0"),
        ("100", "1e2"),
        ("-0", "0"),
        ("0.10", "1E-1"),
        ("12345678901234567890123456789012345", "12345678901234567890123456789012345.0"),
        ('"\\u0141"', '"Ł"'),
        ("1e999999", "10e999998"),
    ],
)
def test_equal_json_is_equal(one: str, other: str) -> None:
    """Neither the order of members, white space, escapes nor the form of a number counts."""
    assert body_sha256(loads(one)) == body_sha256(loads(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", '"1"'),
        ("1", "true"),
        ("null", "{}"),
        ("[]", "{}"),
        ('{"a": null}', "{}"),
        ("[1, 2]", "[2, 1]"),
        ("[[1], 2]", "[1, [2]]"),
        ('"a"', '"A"'),
        ('"é"', '"e\u0301"'),
        ("10", "1"),
        ("1", "-1"),
        ("12345678901234567890123456789012345", "12345678901234567890123456789012346"),
        ('{"a": "b", "c": "d"}', '{"a": "d", "c": "b"}'),
        ('"None"', "null"),
        ("NaN", "Infinity"),
    ],
)
def test_unequal_json_is_unequal(one: str, other: str) -> None:
    """Not one digit, kind, case or place may differ."""
    assert body_sha256(loads(one)) != body_sha256(loads(other))


@pytest.fixture
def application() -> Billing:
    """Return the application over the small world."""
    storage = MemoryStorage()
    fill(storage)
    return compose(storage, clock=TickingClock())


def generate(application: Billing, request: KeyedRequest = REQUEST, **options: object) -> Filed:
    """Generate ACME's January under a key."""
    prepare = partial(application.generator.prepare, ACME, JANUARY)
    options.setdefault("access", EVERYTHING)
    return application.keyed_generation.generate(request, ACME, prepare, **options)  # type: ignore[arg-type]


def test_the_same_request_makes_one_report(application: Billing) -> None:
    """The second answer is the first report, and says so."""
    first, second = generate(application), generate(application)
    assert (first.replayed, second.replayed) == (False, True)
    assert first.headline == second.headline
    assert application.archive.count(ReportQuery()) == 1


def test_a_key_with_another_body_is_refused(application: Billing) -> None:
    """Whether it is meant as the first or as a new one, nobody can know."""
    generate(application)
    with pytest.raises(KeyReusedError):
        generate(application, REQUEST._replace(body_sha256="1" * 64))


def test_a_refusal_leaves_the_key_free(application: Billing) -> None:
    """What was refused is corrected and sent again under its key."""

    class Refusing:
        media_type = "text/plain"

        def check(self, content: ReportContent, /) -> None:
            raise ReportTooLargeError(f"{content.order_count} are too many")

    with pytest.raises(ReportTooLargeError):
        generate(application, exporter=Refusing())
    assert not generate(application, REQUEST._replace(body_sha256="1" * 64)).replayed


def test_whoever_may_no_longer_see_the_customer_gets_no_replay(application: Billing) -> None:
    """To them the customer does not exist, as for every other call."""
    generate(application)
    with pytest.raises(CustomerNotFoundError):
        generate(application, access=Access.only([WIDGETS]))


def test_a_race_is_won_once(application: Billing) -> None:
    """Whoever priced in vain, because another one filed meanwhile, answers that one's report."""
    prepare = partial(application.generator.prepare, ACME, JANUARY)
    won: list[Filed] = []

    def outrun() -> object:
        won.append(generate(application))
        return prepare()

    lost = application.keyed_generation.generate(REQUEST, ACME, outrun, access=EVERYTHING)  # type: ignore[arg-type]
    assert lost == Filed(won[0].headline, replayed=True)
    assert application.archive.count(ReportQuery()) == 1
    assert lost.headline.total_amount == Decimal("12.00")
