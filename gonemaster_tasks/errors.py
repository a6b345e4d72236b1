"""Errors of the tasks package, one class for each condition that a caller may handle."""

from gonemaster_engine.texts import Text, joined


class TasksError(Exception):
    """Base class of all errors that this package raises."""


class SettingsError(TasksError):
    """Invalid settings prevent the start; `problems` has one sentence for each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class BrokerUnavailable(TasksError):
    """Redis did not respond. Committed rows stay; their messages follow as soon as it does."""


class BrokerLoginRefused(BrokerUnavailable):
    """Redis, or a Sentinel, does not accept the login, or does not allow a command to it."""


class BrokerRefused(TasksError):
    """The broker does not meet the requirements of the queue, such as a Redis Cluster."""


class NothingToRepeat(TasksError):
    """A batch has no runs of the kind that should be rerun."""


class OptionsTooLarge(TasksError):
    """The copies of the options that the jobs of a batch would hold are too large; octets of a job, on average."""

    def __init__(self, *, given: int, limit: int) -> None:
        super().__init__(
            Text(
                "the options have {given} octets, {limit} are allowed for so many names; use profile_id",
                given=given,
                limit=limit,
            )
        )
        self.given = given
        self.limit = limit


class InvalidRule(TasksError):
    """A recurrence rule is invalid. `field` names the part that is wrong, `reason` says what it must be."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(joined(" ", (field, reason)))
        self.field = field
        self.reason = reason
