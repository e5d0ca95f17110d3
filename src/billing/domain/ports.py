"""Ports: what the domain asks of the outside; each docstring is the contract of its adapters.

Storage hands out repositories inside a transaction or a snapshot that was opened with an Access;
they know no other customer. `billing.testing.StorageContract` holds any adapter to this page.
"""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import BinaryIO, Protocol

from billing.domain.access import Access
from billing.domain.audit import AuditTrail
from billing.domain.claims import ClaimRepository
from billing.domain.document import ReportDocument
from billing.domain.idempotency import IdempotencyKeys
from billing.domain.order_repository import OrderRepository
from billing.domain.report import ReportContent
from billing.domain.repositories import (
    CustomerRepository,
    ProductRepository,
    RateCardRepository,
    ReportRepository,
    ServiceRepository,
)
from billing.domain.run_repository import RunRepository, RunWork
from billing.domain.tokens import TokenRepository


class Clock(Protocol):
    """What time it is."""

    def now(self) -> datetime:
        """Return the present instant, aware."""


class Repositories(Protocol):
    """What a transaction or a snapshot gives access to."""

    @property
    def customers(self) -> CustomerRepository: ...

    @property
    def services(self) -> ServiceRepository: ...

    @property
    def products(self) -> ProductRepository: ...

    @property
    def orders(self) -> OrderRepository: ...

    @property
    def rate_cards(self) -> RateCardRepository: ...

    @property
    def reports(self) -> ReportRepository: ...

    @property
    def idempotency_keys(self) -> IdempotencyKeys: ...

    @property
    def tokens(self) -> TokenRepository: ...

    @property
    def runs(self) -> RunRepository: ...

    @property
    def run_work(self) -> RunWork: ...

    @property
    def claims(self) -> ClaimRepository: ...

    @property
    def audit(self) -> AuditTrail: ...


class Storage(Protocol):
    """Where everything is kept.

    The caller opens the transaction, so that what belongs together commits together.
    """

    def transaction(self, access: Access, /) -> AbstractContextManager[Repositories]:
        """Open a writing transaction: a clean exit commits, an exception rolls all back."""

    def snapshot(self, access: Access, /) -> AbstractContextManager[Repositories]:
        """Open a reading view that sees one consistent state until it is closed."""


class ReportExporter(Protocol):
    """Writes a report in one format. `billing.testing.ExporterContract` holds it to this."""

    @property
    def media_type(self) -> str:
        """The Content-Type of what it writes."""

    def check(self, content: ReportContent, /) -> None:
        """Raise the refusal that `render` would end in, before anything is stored."""

    def render(self, document: ReportDocument, out: BinaryIO, /) -> None:
        """Write the whole file; memory stays bounded unless `check` refuses the size."""


Exporters = Mapping[str, ReportExporter]
"""Exporters by format name; the name is also the file's extension."""

Rows = Iterable[object]
"""Rows of bulk input: JSON objects as parsed, or InvalidValueError for an unreadable one."""
