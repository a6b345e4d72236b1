"""States and tiers of jobs and runs, for who needs no tables: the module imports nothing but the standard library."""

import enum


class JobStatus(enum.StrEnum):
    """States of an unfinished job. Values are stored and sent by the API: append, never change."""

    QUEUED = "queued"  # its message waits in the broker
    RUNNING = "running"  # one worker has claimed it and renews its lease
    PAUSED = "paused"  # held by an operator; keeps its position


WAITING = (JobStatus.QUEUED, JobStatus.PAUSED)


class Priority(enum.IntEnum):
    """Tiers of the queue; a lower number is served first."""

    NORMAL = 0
    BATCH = 1

    @property
    def tier(self) -> str:
        """The name of the tier, which is also that of its queue."""
        return self.name.lower()


class RunStatus(enum.StrEnum):
    """Final states. Values are stored and sent by the API: append, never change."""

    SUCCEEDED = "succeeded"  # the engine finished; the findings describe the domain
    FAILED = "failed"  # no complete result; `error` says why
    CANCELED = "canceled"  # on request, before the start or during the run
    EXPIRED = "expired"  # its expiry passed before a worker claimed it
