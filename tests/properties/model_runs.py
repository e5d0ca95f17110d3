"""The model's billing runs: their items, each with the cards that it is priced by."""

from dataclasses import dataclass, field

from tests.properties.model import Model
from tests.properties.model_values import CURRENCY, Ask, Days, Refused, Terms


@dataclass(frozen=True)
class RunAsk:
    """What a run is asked to do. customers: None takes those that have orders."""

    days: Days
    customers: tuple[int, ...] | None = None
    only_unbilled: bool = False
    finalize: bool = False


@dataclass
class Run:
    """A run: what was asked, and its items: how many cards count, and their states."""

    ask: RunAsk
    cards: dict[int, int]
    states: dict[int, str] = field(default_factory=dict)

    @property
    def is_live(self) -> bool:
        """Tell whether work is left."""
        return "queued" in self.states.values()

    @property
    def state(self) -> str:
        """Where it stands."""
        states = set(self.states.values())
        if states == {"queued"}:
            return "queued"
        if self.is_live:
            return "running"
        return "failed" if "failed" in states else "done"


class Runs:
    """The runs over a model."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.all: list[Run] = []

    def start(self, ask: RunAsk) -> int:
        """Queue a run, or find the live one that was asked for the same."""
        for number, run in enumerate(self.all, start=1):
            if run.is_live and run.ask == ask:
                return number
        customers = ask.customers
        if customers is None:
            counts = {one: self.model.dated_orders(one, ask.days) for one in CURRENCY}
            customers = tuple(one for one, count in counts.items() if count)
            if not customers:
                raise Refused("NothingToBillError")
        elif not set(customers) <= self.model.names.keys():
            raise Refused("CustomerNotFoundError")
        for run in self.all:
            busy = {one for one, state in run.states.items() if state == "queued"}
            if run.ask.days == ask.days and busy.intersection(customers):
                raise Refused("RunClashError")
        cards = {one: len(self.model.cards.get(one, [])) for one in customers}
        self.all.append(Run(ask, cards, dict.fromkeys(customers, "queued")))
        return len(self.all)

    def work(self, number: int, customer_id: int) -> None:
        """Bill an item that waits, and file the report only if it becomes final where it is to."""
        run = self.all[number - 1]
        assert run.states[customer_id] == "queued"
        run.states[customer_id] = "failed" if self._fails(run, customer_id) else "done"

    def waiting(self) -> set[tuple[int, int]]:
        """Return the items that wait, by run and customer."""
        return {
            (number, customer_id)
            for number, run in enumerate(self.all, start=1)
            for customer_id, state in run.states.items()
            if state == "queued"
        }

    def _fails(self, run: Run, customer_id: int) -> bool:
        ask = Ask(customer_id, run.ask.days, None, run.ask.only_unbilled)
        seen = self.model.generate(ask, cards=run.cards[customer_id])
        if not run.ask.finalize:
            return False
        try:
            self.model.finalize(seen.id, Terms())
        except Refused:
            self.model.reports.pop()
            return True
        return False
