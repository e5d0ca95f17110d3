"""The model: the application once more, in dicts and fractions, and what it says of each command.

It shares no code with the domain. A command returns what the application's answer is held to, or
raises Refused with the name of the refusal; refused, it has changed nothing.
"""

from dataclasses import dataclass, field
from fractions import Fraction

from tests.properties import oracle
from tests.properties.model_values import (
    CURRENCY,
    KEPT,
    PERSONAL,
    READ,
    Ask,
    Days,
    Key,
    Refused,
    Report,
    Row,
    Seen,
    Terms,
    is_cancelled,
)


@dataclass
class Model:
    """Everything that was stored."""

    names: dict[int, str] = field(default_factory=dict)
    orders: dict[Key, Row] = field(default_factory=dict)
    cards: dict[int, list[Row]] = field(default_factory=dict)
    reports: list[Report] = field(default_factory=list)
    claims: dict[Key, int] = field(default_factory=dict)
    keys: dict[str, tuple[Ask, int]] = field(default_factory=dict)

    def name(self, customer_id: int, name: str) -> str:
        """Save a customer."""
        before = self.names.get(customer_id)
        self.names[customer_id] = name
        if before is None:
            return "created"
        return "unchanged" if before == name else "updated"

    def ingest(self, rows: list[Row]) -> tuple[int, int, int]:
        """Store orders, all or none; count the created, the updated and the unchanged."""
        if any(row["customer_id"] not in self.names for row in rows):
            raise Refused("RowsRefusedError")
        counts = [0, 0, 0]
        for row in rows:
            key = row["customer_id"], row["order_id"]
            before = self.orders.get(key)
            counts[0 if before is None else 2 if before == row else 1] += 1
            self.orders[key] = dict(row)
        return counts[0], counts[1], counts[2]

    def put_card(self, customer_id: int, start: str, rates: list[Row]) -> bool:
        """Put a card, unless the one in force says the same; tell whether it is new."""
        self._known(customer_id)
        mine = self.cards.setdefault(customer_id, [])
        started = [card for card in mine if card["effective_from"] <= start]
        if started:
            latest = max(card["effective_from"] for card in started)
            current = [card for card in started if card["effective_from"] == latest][-1]
            if current["rates"] == rates:
                return False
        mine.append({"effective_from": start, "rates": rates})
        return True

    def generate(self, ask: Ask, *, cards: int | None = None) -> Seen:
        """File a report, priced by the first `cards` cards of the customer, or by all."""
        self._known(ask.customer_id)
        report = self.priced(ask, cards)
        self.reports.append(report)
        return report.seen

    def priced(self, ask: Ask, cards: int | None) -> Report:
        """Return the next report, unfiled."""
        customer_id, (first, last) = ask.customer_id, ask.days
        rows = {
            order_id: dict(row)
            for (owner, order_id), row in self.orders.items()
            if owner == customer_id
            and row["order_date"] is not None
            and first <= row["order_date"] <= last
            and not (ask.only_unbilled and (owner, order_id) in self.claims)
        }
        name, number = self.names[customer_id], len(self.reports) + 1
        report = Report(number, customer_id, name, ask.days, ask.services, rows)
        timeline = self.cards.get(customer_id, [])[:cards]
        for order_id in report.held:
            bill = oracle.bill_by_cards(rows[order_id], timeline, CURRENCY[customer_id], {})
            chosen = set(ask.services or (1, 2, 3))
            lines = [line.amount for line in bill.lines if line.service_id in chosen]
            if lines:
                report.amounts[order_id] = sum(lines, Fraction(0))
            if bill.unpriced or bill.withheld & chosen or not bill.lines:
                report.exceptions.add(order_id)
        return report

    def generate_once(self, key: str, ask: Ask) -> tuple[Seen, bool]:
        """File a report under a key, or find the one that is; tell whether it was found."""
        if key in self.keys:
            earlier, number = self.keys[key]
            if earlier != ask:
                raise Refused("KeyReusedError")
            return self.reports[number - 1].seen, True
        seen = self.generate(ask)
        self.keys[key] = ask, seen.id
        return seen, False

    def finalize(self, number: int, terms: Terms) -> Seen:
        """Make a draft final; it claims its orders."""
        report = self._find(number)
        if report.status == "void":
            raise Refused("ReportMoveError")
        if report.status == "draft":
            self._check_billable(report, terms)
        old = None if terms.supersedes is None else self._superseded(report, terms.supersedes)
        if report.status == "final":
            if old is not None and old.status != "void":
                raise Refused("ReportConflictError")
            return report.seen
        if old is not None and old.status == "void":
            raise Refused("ReportMoveError")
        freed = None if old is None else old.id
        mine = {(report.customer_id, order_id) for order_id in report.held}
        if any(self.claims.get(key, freed) != freed for key in mine):
            raise Refused("OrdersClaimedError")
        if old is not None:
            self.void(old.id)
        self.claims |= dict.fromkeys(mine, report.id)
        report.status = "final"
        return report.seen

    def void(self, number: int) -> Seen:
        """Make a report void and free its orders."""
        report = self._find(number)
        if report.status == "void":
            raise Refused("ReportMoveError")
        report.status = "void"
        self.claims = {key: holder for key, holder in self.claims.items() if holder != number}
        return report.seen

    def purge(self, customer_id: int, before: str) -> int:
        """Forget the personal fields of a customer's old orders; count those that had some."""
        self._known(customer_id)
        purged = 0
        for key, row in self.orders.items():
            if key[0] == customer_id and (row["order_date"] or before) < before:
                purged += any(row[name] is not None for name in PERSONAL)
                row.update(dict.fromkeys(PERSONAL))
        return purged

    def state(self, key: Key) -> set[str]:
        """Return what reconciliation may call an order: two where only its evidence knows."""
        row, holder = self.orders[key], self.claims.get(key)
        if holder is not None:
            report = self.reports[holder - 1]
            then = report.rows[key[1]]
            if any(then[name] != row[name] for name in KEPT):
                return {"changed"}
            whole = "exception" if key[1] in report.exceptions else "billed"
            is_same = all(then[name] == row[name] for name in READ)
            return {whole} if is_same else {whole, "changed"}
        if is_cancelled(row):
            return {"cancelled"}
        if row["order_date"] is None:
            return {"undated"}
        holding = [report for report in self.drafts(key[0]) if key[1] in report.held]
        if not holding:
            return {"untouched"}
        return {"exception" if key[1] in holding[-1].exceptions else "draft"}

    def drafts(self, customer_id: int) -> list[Report]:
        """Return the drafts that hold orders, the oldest first."""
        mine = (report for report in self.reports if report.customer_id == customer_id)
        return [one for one in mine if one.status == "draft" and one.services is None]

    def dated_orders(self, customer_id: int, days: Days) -> int:
        """Count a customer's orders of a period, cancelled ones too."""
        mine = (row["order_date"] for key, row in self.orders.items() if key[0] == customer_id)
        return sum(day is not None and days[0] <= day <= days[1] for day in mine)

    def _known(self, customer_id: int) -> None:
        if customer_id not in self.names:
            raise Refused("CustomerNotFoundError")

    def _find(self, number: int) -> Report:
        if not 1 <= number <= len(self.reports):
            raise Refused("ReportNotFoundError")
        return self.reports[number - 1]

    @staticmethod
    def _check_billable(report: Report, terms: Terms) -> None:
        if report.services is not None:
            raise Refused("PartialReportError")
        if report.exceptions and not (terms.accept and terms.reason):
            raise Refused("ExceptionsNotAcceptedError")

    def _superseded(self, report: Report, number: int) -> Report:
        if number == report.id or not 1 <= number <= len(self.reports):
            raise Refused("InvalidValueError")
        old = self.reports[number - 1]
        if old.customer_id != report.customer_id:
            raise Refused("InvalidValueError")
        return old
