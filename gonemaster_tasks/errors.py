"""Errors of the tasks package, one class for each condition that a caller may handle."""


class TasksError(Exception):
    """Base class of all errors that this package raises."""


class SettingsError(TasksError):
    """Invalid settings prevent the start; `problems` has one sentence for each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class BrokerUnavailable(TasksError):
    """Redis did not respond. Committed rows stay; their messages follow as soon as it does."""


class BrokerRefused(TasksError):
    """The broker does not meet the requirements of the queue, such as a Redis Cluster."""


class NothingToRepeat(TasksError):
    """A batch has no runs of the kind that should be rerun."""


class InvalidRule(TasksError):
    """A recurrence rule is invalid. `field` names the part that is wrong, `reason` says what it must be."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field} {reason}")
        self.field = field
        self.reason = reason
