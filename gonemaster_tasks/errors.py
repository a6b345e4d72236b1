"""Errors of the tasks package, one class for each condition that a caller may handle."""

from collections.abc import Mapping
from typing import Any

from gonemaster_engine.texts import Text, joined


class TasksError(Exception):
    """Base class of all errors that this package raises."""


class SettingsError(TasksError):
    """Invalid settings prevent the start; `problems` has one sentence for each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class BrokerUnavailable(TasksError):
    """Redis did not respond. Committed rows are kept; their messages follow once Redis responds."""


class BrokerFull(BrokerUnavailable):
    """Redis refuses to store more, because its memory is full (maxmemory)."""


class BrokerLoginRefused(BrokerUnavailable):
    """Redis or a Sentinel rejects the login or denies it a command."""


class BrokerRefused(TasksError):
    """The broker does not meet the requirements of the queue, such as a Redis Cluster."""


class NothingToRerun(TasksError):
    """A batch has no runs of the kind that should be rerun."""


class OptionsTooLarge(TasksError):
    """The options of the jobs of a batch are too large; the size is the average per job, in bytes."""

    def __init__(self, *, size: int, limit: int) -> None:
        super().__init__(
            Text(
                "the options have {given} bytes; at most {limit} are allowed for this number of domains. "
                "Use profile_id",
                given=size,
                limit=limit,
            )
        )
        self.size = size
        self.limit = limit


class SourceInvalid(TasksError):
    """The upload or file of a sweep is unusable; the message says where, and what to do."""

    def __init__(self, message: str, *, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.details = details


class InvalidRule(TasksError):
    """A recurrence rule is invalid. `field` is the invalid part, `reason` says which values are allowed."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(joined(" ", (field, reason)))
        self.field = field
        self.reason = reason
