"""KeyedGeneration: filing a report once, however often its request arrives."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from billing.domain.access import Access
from billing.domain.errors import CustomerNotFoundError, ReportNotFoundError
from billing.domain.idempotency import EarlierRequest, KeyedRequest, KeyReusedError
from billing.domain.ports import Clock, ReportExporter, Repositories, Storage
from billing.domain.report import ReportHeadline
from billing.domain.report_generator import ReportGenerator
from billing.domain.report_writer import PreparedReport
from billing.domain.retries import retried


class Filed(NamedTuple):
    """A report, and whether an earlier request with the same key had filed it."""

    headline: ReportHeadline
    replayed: bool


class KeyedGeneration:
    """Files one report for each idempotency key.

    The key is kept in the transaction that files the report: a crash leaves both or neither, and
    a refusal leaves the key free. Pricing happens before it, under no lock, as for all reports.
    """

    def __init__(self, storage: Storage, clock: Clock, generator: ReportGenerator) -> None:
        self._storage = storage
        self._clock = clock
        self._generator = generator

    def generate(
        self,
        request: KeyedRequest,
        customer_id: int,
        prepare: Callable[[], PreparedReport],
        *,
        access: Access,
        exporter: ReportExporter | None = None,
    ) -> Filed:
        """Return the report that the request made before, as it stands now, or file a new one.

        prepare: prices the report, see ReportGenerator.prepare; not called for a replay.
        exporter: asked first whether it can render the result; nothing is stored if it cannot.
        Raises KeyReusedError, RequestInFlightError, and what `prepare` raises:
        CustomerNotFoundError also for a replay whose customer the caller may no longer see.
        """
        with self._storage.snapshot(access) as view:
            earlier = view.idempotency_keys.find(request, self._clock.now())
            if earlier is not None:
                return _replayed(request, customer_id, earlier, view)
        with prepare() as prepared:
            if exporter is not None:
                exporter.check(prepared.content)
            return retried(partial(self._file, request, customer_id, prepared, access))

    def _file(
        self, request: KeyedRequest, customer_id: int, prepared: PreparedReport, access: Access
    ) -> Filed:
        with self._storage.transaction(access) as tx:
            earlier = tx.idempotency_keys.take(request, self._clock.now())
            if earlier is not None:  # Another one was faster while this one was priced.
                return _replayed(request, customer_id, earlier, tx)
            headline = self._generator.file(prepared, tx)
            tx.idempotency_keys.settle(request, headline.id)
            return Filed(headline, replayed=False)


def _replayed(
    request: KeyedRequest, customer_id: int, earlier: EarlierRequest, view: Repositories
) -> Filed:
    if earlier.body_sha256 != request.body_sha256:
        raise KeyReusedError
    try:
        return Filed(view.reports.find(earlier.report_id), replayed=True)
    except ReportNotFoundError:  # The bodies are equal, so the report is this customer's.
        raise CustomerNotFoundError(customer_id) from None
