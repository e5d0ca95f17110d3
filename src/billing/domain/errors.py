"""Refusals: everything the domain declines to do, each with a stable code and one sentence."""

from collections.abc import Mapping
from typing import ClassVar


class BillingError(Exception):
    """A refusal that a caller can act on; `str()` is one sentence fit for a user's eyes."""

    code: ClassVar[str] = "refused"


class InvalidValueError(BillingError, ValueError):
    """A value that cannot be taken as it is.

    problem: what is wrong and how to mend it. field: where, as a path such as
    `rates[2].price.amount`; None while only the value itself is known.
    """

    code = "invalid_value"

    def __init__(self, problem: str, *, field: str | None = None) -> None:
        super().__init__(problem if field is None else f"{field}: {problem}")
        self.problem = problem
        self.field = field

    def at(self, place: str) -> "InvalidValueError":
        """Return the same refusal, seen from the object that holds the value at `place`."""
        if self.field is None:
            return InvalidValueError(self.problem, field=place)
        separator = "" if self.field.startswith("[") else "."
        return InvalidValueError(self.problem, field=f"{place}{separator}{self.field}")


class StartAfterEndError(BillingError):
    """A period that ends before it starts."""

    code = "start_after_end"

    def __init__(self) -> None:
        super().__init__("Start date must be before end date")


class CustomerNotFoundError(BillingError):
    """No such customer, or none that this caller may see: the two look alike on purpose."""

    code = "customer_not_found"

    def __init__(self, customer_id: int) -> None:
        super().__init__(f"Customer with ID {customer_id} not found")
        self.customer_id = customer_id


class ServiceNotFoundError(BillingError):
    """No service has this id."""

    code = "service_not_found"

    def __init__(self, service_id: int) -> None:
        super().__init__(f"Service with ID {service_id} not found")
        self.service_id = service_id


class OrderNotFoundError(BillingError):
    """The customer has no such order."""

    code = "order_not_found"

    def __init__(self, customer_id: int, order_id: int) -> None:
        super().__init__(f"Order {order_id} of customer {customer_id} not found")
        self.customer_id = customer_id
        self.order_id = order_id


class RateCardNotFoundError(BillingError):
    """The customer has no rate card in force on that day."""

    code = "rate_card_not_found"


class ReportNotFoundError(BillingError):
    """No such report, or none that this caller may see."""

    code = "report_not_found"

    def __init__(self, report_id: int) -> None:
        super().__init__(f"Report {report_id} not found")
        self.report_id = report_id


class ReportConflictError(BillingError):
    """What a report is, or what others hold, forbids what is asked of it."""

    code = "report_conflict"


class ReportMoveError(ReportConflictError):
    """A report cannot become this from what it is."""

    code = "illegal_move"

    def __init__(self, report_id: int, status: str, wanted: str) -> None:
        rest = "already" if status == wanted else f"and cannot become {wanted}"
        super().__init__(f"Report {report_id} is {status} {rest}")
        self.report_id = report_id
        self.status = status
        self.wanted = wanted


class PartialReportError(ReportConflictError):
    """A report of chosen services cannot become final: the orders' other costs would be lost."""

    code = "partial_report"

    def __init__(self, report_id: int) -> None:
        super().__init__(
            f"Report {report_id} bills chosen services only: a partial report cannot become final"
        )
        self.report_id = report_id


class ExceptionsNotAcceptedError(ReportConflictError):
    """Orders are not, or not fully, billed, and nobody has said why that is right."""

    code = "exceptions_not_accepted"

    def __init__(self, report_id: int, exception_count: int) -> None:
        orders = "1 order is" if exception_count == 1 else f"{exception_count} orders are"
        super().__init__(
            f"{orders} not, or not fully, billed by report {report_id}: mend them and generate it "
            "again, or accept the exceptions and give the reason"
        )
        self.report_id = report_id
        self.exception_count = exception_count


class OrdersClaimedError(ReportConflictError):
    """Orders of the report are billed by other final reports. holders: some of them, by order."""

    code = "orders_claimed"
    NAMED = 10

    def __init__(self, report_id: int, holders: Mapping[int, int]) -> None:
        named = [f"{order} (report {holder})" for order, holder in holders.items()]
        more = " and more" if len(named) > self.NAMED else ""
        super().__init__(
            f"Final reports already bill orders of report {report_id}: "
            f"{', '.join(named[: self.NAMED])}{more}"
        )
        self.report_id = report_id
        self.holders = holders


class UnknownFormatError(BillingError):
    """A format that no exporter writes; the name is cut to 50 characters when repeated."""

    code = "unknown_format"

    def __init__(self, name: str, *, of: str = "format") -> None:
        super().__init__(f"Invalid {of}: {name[:50]}")
        self.name = name


class MissingExtraError(BillingError):
    """A feature whose optional packages are not installed."""

    code = "missing_extra"

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs optional packages: pip install 'billing[{extra}]'")
        self.extra = extra


class ReportTooLargeError(BillingError):
    """A report that one format refuses to hold; the other formats still can."""

    code = "report_too_large"


class AmountTooLargeError(BillingError):
    """An amount past 999,999,999,999,999 minor units, which JSON numbers no longer hold."""

    code = "amount_too_large"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} exceeds 999,999,999,999,999 minor units of the currency; bill a shorter period"
        )


class CurrencyFixedError(BillingError):
    """The customer already has a rate card or a charge, so its currency stays."""

    code = "currency_fixed"

    def __init__(self, customer_id: int, currency: str) -> None:
        super().__init__(
            f"Customer {customer_id} already has rate cards or charges in {currency}; "
            "its currency cannot change"
        )


class StorageUnavailableError(BillingError):
    """The storage could not do its work now; a retry may succeed."""

    code = "storage_unavailable"

    def __init__(self, reason: str = "The storage is unavailable; nothing was changed") -> None:
        super().__init__(reason)


class StorageBusyError(StorageUnavailableError):
    """Another writer was in the way; all was undone, and the same work may succeed at once."""

    code = "storage_busy"

    def __init__(self) -> None:
        super().__init__("The storage is busy with other writers; nothing was changed")


class OutcomeUnknownError(StorageUnavailableError):
    """The storage went away while it was asked to keep the work: it may have, or not."""

    code = "outcome_unknown"

    def __init__(self) -> None:
        super().__init__(
            "The storage went away while it was storing; look whether it did before trying again"
        )
