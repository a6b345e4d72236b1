"""What can go wrong in the queue package, one class for each thing a caller may handle."""


class TasksError(Exception):
    """Base of everything this package raises on purpose."""


class SettingsError(TasksError):
    """Values that stop the start; `problems` has one sentence for each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class BrokerUnavailable(TasksError):
    """Redis did not answer; what was written to the database stands and is enqueued by the reconciler."""


class BrokerRefused(TasksError):
    """A broker that cannot carry this queue, such as a Redis Cluster."""


class NothingToRepeat(TasksError):
    """A batch has no runs of the kind that was to be run again."""
