"""A rule as a sentence."""

from collections.abc import Sequence

from gonemaster_tasks.recurrence.rules import RecurrenceRule, RuleKind

_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def summarise(rule: RecurrenceRule) -> str:
    """Return a rule as a sentence, for example `Weekly, Monday and Thursday, 06:30 Europe/Stockholm`."""
    return f"{_days(rule)}, {rule.time_of_day:%H:%M} {rule.zone.key}"


def _days(rule: RecurrenceRule) -> str:
    if rule.kind is RuleKind.INTERVAL:
        every = "day" if rule.interval_days == 1 else f"{rule.interval_days} days"
        return f"Every {every} from {rule.anchor_date.isoformat()}"
    if rule.kind is RuleKind.WEEKLY:
        return f"Weekly, {_listed([_NAMES[day] for day in rule.weekdays])}"
    return f"Monthly, {_days_of_month(rule)}"


def _days_of_month(rule: RecurrenceRule) -> str:
    words = [*map(str, rule.days_of_month), *(["the last day"] if rule.last_day else [])]
    before = {0: "", 1: "day "}.get(len(rule.days_of_month), "days ")
    return before + _listed(words)


def _listed(words: Sequence[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last
