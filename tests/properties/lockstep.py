"""Lockstep: gives commands to the model and to every storage, crashes some, and tries again."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
)

from billing.domain.catalog import Service
from billing.testing.world import EVERYTHING
from tests.properties import model_commands as commands
from tests.properties import model_strategies as some
from tests.properties.crashing import CrashPoint
from tests.properties.model import Model
from tests.properties.model_checks import Filed, check_for_good, check_state
from tests.properties.model_runs import RunAsk, Runs
from tests.properties.model_subjects import (
    Crashed,
    Subject,
)
from tests.properties.model_values import Ask, Refused, Row, Terms

A_LOOK = 4
Makers = list[Callable[[], Subject]]
Point = CrashPoint | None


class Lockstep(RuleBasedStateMachine):
    """Gives each command to the model and to the application on every storage.

    They answer alike, and as the model does. After each step memory is held to the model in full,
    after every fourth one of the others in turn; in the end all are, and every report is verified.
    told: how often what was done.
    """

    def __init__(self, makers: Makers, told: Counter[str]) -> None:
        super().__init__()
        self.subjects = [make() for make in makers]
        self.told = told
        self.model = Model()
        self.runs = Runs(self.model)
        self.filed = Filed()
        self.steps, self.reopen_from = 0, 5
        self.is_whole = True

    @initialize()
    def begin(self) -> None:
        """Start with services and one customer."""
        for subject in self.subjects:
            with subject.storage.transaction(EVERYTHING) as tx:
                for number in (1, 2, 3):
                    tx.services.save(Service(number, f"Service {number}"))
        self.name(1, "One", None)

    @rule(customer=some.customers, text=some.names, crash=some.crashes)
    def name(self, customer: int, text: str, crash: Point) -> None:
        """Save a customer, or give it another name."""
        self.do(commands.name(customer, text), lambda: self.model.name(customer, text), crash)

    @rule(rows=some.batches, crash=some.crashes)
    def ingest(self, rows: list[Row], crash: Point) -> None:
        """Store orders, new ones and others in place of what they were."""
        self.do(commands.ingest(rows), lambda: self.model.ingest(rows), crash)

    @precondition(lambda self: self.model.orders)
    @rule(number=some.numbers, crash=some.crashes)
    def ingest_again(self, number: int, crash: Point) -> None:
        """Store an order as it is."""
        rows = list(self.model.orders.values())
        self.ingest([dict(rows[number % len(rows)])], crash)

    @rule(customer=some.customers, start=some.days, rates=some.rates, crash=some.crashes)
    def put_card(self, customer: int, start: str, rates: list[Row], crash: Point) -> None:
        """Put a rate card."""
        command = commands.put_card(customer, start, rates)
        self.do(command, lambda: self.model.put_card(customer, start, rates), crash)

    @rule(ask=some.asks, crash=some.crashes)
    def generate(self, ask: Ask, crash: Point) -> None:
        """File a report; a client that never heard of it files another one."""
        self.do(commands.generate(ask), lambda: self.model.generate(ask), crash)

    @rule(key=some.keys, ask=some.asks, crash=some.crashes)
    def generate_once(self, key: str, ask: Ask, crash: Point) -> None:
        """File a report under a key that may have been used."""
        command = commands.generate_once(key, ask)
        self.do(command, lambda: self.model.generate_once(key, ask), crash)

    @precondition(lambda self: self.model.keys)
    @rule(number=some.numbers, crash=some.crashes)
    def replay(self, number: int, crash: Point) -> None:
        """Send a request with its key once more: nothing is filed."""
        key, (ask, _) = list(self.model.keys.items())[number % len(self.model.keys)]
        reports = len(self.model.reports)
        self.generate_once(key, ask, crash)
        assert len(self.model.reports) == reports

    @precondition(lambda self: self.model.reports)
    @rule(number=some.numbers, terms=some.terms | some.agreed, crash=some.crashes)
    def finalize(self, number: int, terms: Terms, crash: Point) -> None:
        """Make one of the reports final, or one that there is not."""
        self.do(commands.finalize(number, terms), lambda: self.model.finalize(number, terms), crash)

    @rule(ask=some.wide_asks, terms=some.agreed, crash=some.crashes)
    def bill(self, ask: Ask, terms: Terms, crash: Point) -> None:
        """File a report of all and make it final, in place of the final one if there is one."""
        self.generate(ask, None)
        number = len(self.model.reports)
        finals = [
            report.id
            for report in self.model.reports
            if report.status == "final" and report.customer_id == ask.customer_id
        ]
        if number:
            self.finalize(number, terms._replace(supersedes=finals[0] if finals else None), crash)

    @precondition(lambda self: self.model.reports)
    @rule(number=some.numbers, crash=some.crashes)
    def void(self, number: int, crash: Point) -> None:
        """Make one of the reports void."""
        self.do(commands.void(number), lambda: self.model.void(number), crash)

    @rule(ask=some.run_asks, crash=some.crashes)
    def start_run(self, ask: RunAsk, crash: Point) -> None:
        """Queue a billing run."""
        self.do(commands.start(ask), lambda: self.runs.start(ask), crash)

    @precondition(lambda self: self.runs.waiting())
    @rule(crash=some.crashes)
    def work(self, crash: Point) -> None:
        """Bill an item of a run."""
        self.do(commands.work, self.follow_work, crash)

    @rule(customer=some.customers, before=some.days, crash=some.crashes)
    def purge(self, customer: int, before: str, crash: Point) -> None:
        """Purge a customer's old orders."""
        command = commands.purge(customer, before)
        self.do(command, lambda: self.model.purge(customer, before), crash)

    @precondition(lambda self: self.steps >= self.reopen_from)
    @rule()
    def reopen(self) -> None:
        """Close the storages and open them again, now and then."""
        self.reopen_from = self.steps + 15
        for subject in self.subjects:
            subject.close()
            subject.open()
        self.finish_step("reopened")

    def follow_work(self) -> Any:
        """Let the model bill the item that memory has billed; return its key."""
        with self.subjects[0].app.storage.snapshot(EVERYTHING) as view:
            done = self.runs.waiting().difference(view.run_work.waiting(100))
        assert len(done) <= 1
        for number, customer_id in done:
            self.runs.work(number, customer_id)
        return next(iter(done), None)

    def do(self, command: commands.Command, expect: Callable[[], Any], point: Point = None) -> None:
        """Give a command to all; where it crashed the caller tries again, knowing nothing."""
        self.is_whole = False
        said = self.ask_all(command, point)
        if isinstance(said, Crashed):
            self.told["crashes"] += 1
            self.told["crashes after a commit"] += bool(said.commits)
            if said.commits or command is commands.work:
                with suppress(Refused):
                    expect()
            said = self.ask_all(command, None)
        try:
            expected = expect()
        except Refused as refused:
            expected = refused.args[0]
            self.told["refusals"] += 1
        assert commands.answer(said) == expected
        self.finish_step("commands")

    def ask_all(self, command: commands.Command, point: Point) -> Any:
        """Give a command to every application; they answer alike."""
        first, *others = (subject.run(command, point) for subject in self.subjects)
        for other in others:
            assert commands.comparable(other) == commands.comparable(first)
        return first

    def finish_step(self, kind: str) -> None:
        """Hold memory, and now and then one of the others, to the model."""
        self.steps += 1
        checked = self.subjects[:1]
        if (
            self.steps % A_LOOK == 0 and self.subjects[1:]
        ):  # It takes ten times as long as in memory.
            checked.append(self.subjects[1:][self.steps // A_LOOK % (len(self.subjects) - 1)])
        for subject in checked:
            check_state(subject, self.model, self.runs, self.filed)
            if self.model.reports:
                self.filed.hold_bytes(subject, 1 + self.steps % len(self.model.reports))
        self.told[kind] += 1
        self.is_whole = True

    def teardown(self) -> None:
        """Hold all of them to the model, verify every report, and close."""
        try:
            for subject in self.subjects if self.is_whole else ():
                check_state(subject, self.model, self.runs, self.filed)
                check_for_good(subject, self.model, self.filed)
            self.told["examples"] += 1
            self.told["reports"] += len(self.model.reports)
        finally:
            for subject in self.subjects:
                subject.close()
