"""Groups of an export: the condition of each customer service, from its rule groups and rules."""

from collections import defaultdict
from collections.abc import Sequence

from billing.adapters.legacy.rules import (
    Condition,
    condition_of_group,
    condition_of_rule,
    together,
)
from billing.adapters.legacy.tables import Export, Record, Remarks, key_of
from billing.domain.errors import InvalidValueError
from billing.domain.fields import shown


class Conditions:
    """What the rule groups say, by customer service.

    several: `all` or `any`, how more than one group of a customer service combine. unturned:
    takes what could not be turned; the customer services it belongs to have no condition then,
    and are refused rather than billed always.
    """

    def __init__(self, export: Export, several: str, unturned: Remarks) -> None:
        self._several = several
        self._unturned = unturned
        self._groups: dict[str, list[Condition]] = defaultdict(list)
        self._spoiled: dict[str, str] = {}
        self._read(export)

    def of(self, row: Record, notes: Remarks) -> Condition | None:
        """Return the condition of a customer service; None when it has no rules.

        Raises InvalidValueError when one of its rules could not be turned.
        """
        key = key_of(row, "id")
        if key in self._spoiled:
            raise InvalidValueError(self._spoiled[key])
        groups = self._groups.get(key)
        if not groups:
            return None
        if len(groups) > 1:
            other = "any" if self._several == "all" else "all"
            text = (
                f"its {len(groups)} rule groups combine with {self._several}: "
                f"--several-groups {other} is the other reading"
            )
            notes.add("customer_services", row, text)
        return together(self._several, groups)

    def _read(self, export: Export) -> None:
        groups = export.table("rule_groups")
        rules = self._rules_by_group(export, {key_of(group, "id") for group in groups})
        owners = {key_of(row, "id") for row in export.table("customer_services")}
        for group in groups:
            owner = key_of(group, "customer_service_id")
            if owner not in owners:
                self._unturned.add(
                    "rule_groups", group, "Its customer service is not in the export."
                )
                continue
            condition = self._condition(group, rules[key_of(group, "id")])
            if condition is None:
                self._spoiled[owner] = f"Its rule group {shown(group['id'])} could not be turned."
            else:
                self._groups[owner].append(condition)

    def _rules_by_group(self, export: Export, groups: set[str]) -> dict[str, list[Record]]:
        rules: dict[str, list[Record]] = defaultdict(list)
        for rule in export.table("rules"):
            rules[key_of(rule, "rule_group_id")].append(rule)
            if key_of(rule, "rule_group_id") not in groups:
                self._unturned.add("rules", rule, "Its rule group is not in the export.")
        return rules

    def _condition(self, group: Record, rules: Sequence[Record]) -> Condition | None:
        """Turn a group with all of its rules, so that each wrong one is said."""
        turned = []
        for rule in rules:
            try:
                turned.append(condition_of_rule(rule))
            except InvalidValueError as error:
                self._unturned.add("rules", rule, str(error))
        if len(turned) < len(rules):
            return None
        try:
            if not rules:
                raise InvalidValueError("It has no rules.")
            return condition_of_group(group.get("logic_operator", ""), turned)
        except InvalidValueError as error:
            self._unturned.add("rule_groups", group, str(error))
            return None
