"""States and tiers of jobs and runs; the module imports only the standard library, for code that needs no tables."""

import enum


class JobStatus(enum.StrEnum):
    """The states of an unfinished job. Values are stored and sent by the API: append, never change."""

    QUEUED = "queued"  # its message waits in the broker
    RUNNING = "running"  # a worker has claimed it and renews its lease
    PAUSED = "paused"  # held by an operator; keeps its position


WAITING = (JobStatus.QUEUED, JobStatus.PAUSED)


class Priority(enum.IntEnum):
    """The tiers of the queue. Values are stored and sent by the API: append, never change."""

    NORMAL = 0  # single tests, before batches
    BATCH = 1
    CHECK = 2  # checks before delegation, in the slots reserved for them and in idle slots

    @property
    def tier(self) -> str:
        """The name of the tier and of its queue."""
        return self.name.lower()


class Keep(enum.StrEnum):
    """What is kept of a run once its facts are written. Values are stored and sent by the API: append, never change."""

    FULL = "full"  # everything
    FINDINGS = "findings"  # arguments and times of the entries at WARNING and above
    FACTS = "facts"  # only the row of the run


class RunStatus(enum.StrEnum):
    """The final states. Values are stored and sent by the API: append, never change."""

    SUCCEEDED = "succeeded"  # the engine finished; the findings describe the domain
    FAILED = "failed"  # no complete result; `error` says why
    CANCELED = "canceled"  # on request, before the start or during the run
    EXPIRED = "expired"  # its expiry time passed before a worker claimed it
