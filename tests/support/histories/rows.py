"""Rows of the reference store: jobs, runs, batches, domains and tags, without any database."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite
from typing import Any

LEVELS = ("DEBUG3", "DEBUG2", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL")
SEVERITIES = ("NOTICE", "WARNING", "ERROR", "CRITICAL")
UNFINISHED = ("queued", "running", "paused")
FINISHED = ("succeeded", "failed", "canceled", "expired")
NEVER = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Line:
    """One entry as stored."""

    timestamp: float
    module: str
    testcase: str
    tag: str
    level: str
    args: Mapping[str, Any]

    @property
    def kind(self) -> tuple[str, str, str]:
        """Return the identity of its finding."""
        return self.module, self.testcase, self.tag

    @property
    def content(self) -> tuple[str, str]:
        """Return the content in which two lines of a finding can differ."""
        return self.level, json.dumps(self.args, sort_keys=True)


@dataclass(kw_only=True)
class JobRow:
    """A job until it ends; its sort keys are those of a run without a result."""

    id: str
    domain: str
    batch_id: str | None = None
    priority: int = 0
    created_at: datetime
    expires_at: datetime | None = None
    profile_id: int | None = None
    profile_name: str = ""
    tags: tuple[str, ...] = ()
    status: str = "queued"
    started_at: datetime | None = None
    worker: str = ""
    attempt: int = 0
    releases: int = 0
    cancel_requested: bool = False

    severe = critical = rank = entry_count = 0
    score = duration_ms = worst_level = None
    finished = NEVER

    @property
    def begun(self) -> datetime:
        """Return the time when it started, or was created."""
        return self.started_at or self.created_at

    @property
    def waits(self) -> bool:
        """Return whether it is queued or held."""
        return self.status in ("queued", "paused")


@dataclass(kw_only=True)
class RunRow:
    """The record of a job that has ended; `entry_ids` are taken from the store."""

    job: JobRow
    status: str
    finished: datetime
    lines: Sequence[Line] = ()
    error: str = ""
    score: int | None = None
    grade: str | None = None
    timings: Sequence[Mapping[str, Any]] | None = None
    chain: Mapping[str, Any] | None = None
    effective_profile: str | None = None
    causes: frozenset[str] | None = None  # those stored for lists; None if unknown
    entry_ids: list[int] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The id of the job."""
        return self.job.id

    @property
    def domain(self) -> str:
        """The domain that was tested."""
        return self.job.domain

    @property
    def batch_id(self) -> str | None:
        """The batch of the job."""
        return self.job.batch_id

    @property
    def attempt(self) -> int:
        """The number of starts of the job."""
        return self.job.attempt

    @property
    def created_at(self) -> datetime:
        """When the job was submitted."""
        return self.job.created_at

    @property
    def begun(self) -> datetime:
        """The time when it started, or was created."""
        return self.job.begun

    @property
    def duration_ms(self) -> int | None:
        """Milliseconds from start to end."""
        start = self.job.started_at
        return None if start is None else max(0, round((self.finished - start).total_seconds() * 1000))

    @property
    def totals(self) -> dict[str, int]:
        """Entries by level, from NOTICE up."""
        found = Counter(line.level for line in self.lines)
        return {level: found[level] for level in SEVERITIES}

    @property
    def critical(self) -> int:
        """Number of entries of level CRITICAL."""
        return self.totals["CRITICAL"]

    @property
    def severe(self) -> int:
        """Number of entries of level ERROR and CRITICAL."""
        return self.totals["ERROR"] + self.totals["CRITICAL"]

    @property
    def entry_count(self) -> int:
        """Number of entries."""
        return len(self.lines)

    @property
    def worst_level(self) -> str | None:
        """The most severe level of an entry."""
        return max((line.level for line in self.lines), key=LEVELS.index, default=None)

    @property
    def rank(self) -> int:
        """The rank of the worst level in lists: 4 for CRITICAL, 0 below NOTICE."""
        return rank_of(self.worst_level)


@dataclass(kw_only=True)
class BatchRow:
    """One submission of many domains."""

    id: str
    tag: str
    created_at: datetime
    domain_count: int
    name: str = ""
    tags: tuple[str, ...] = ()
    description: str = ""
    snapshot_intent: bool = False


@dataclass(kw_only=True)
class DomainRow:
    """A domain; values of its runs are looked up in the runs. The id is taken from the store."""

    name: str
    created_at: datetime | None  # None: set by a clock that the history does not control, taken from the store
    id: int = 0


@dataclass(kw_only=True)
class TagRow:
    """A tag and the names of its domains."""

    name: str
    created_at: datetime | None
    description: str = ""
    profile_id: int | None = None
    members: set[str] = field(default_factory=set)


def rank_of(level: str | None) -> int:
    """Return the rank of a level in lists: 4 for CRITICAL, 0 below NOTICE."""
    return SEVERITIES.index(level) + 1 if level in SEVERITIES else 0


def at_least(level: str) -> tuple[str, ...]:
    """List the levels from this one up."""
    return LEVELS[LEVELS.index(level) :]


def instant(moment: datetime | None) -> str | None:
    """Write a time as the API does."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def storable(value: Any) -> Any:
    """Replace values that no column can store: NUL by U+FFFD, lone surrogates by `?`, NaN and infinities by None."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {storable(key): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    return None if isinstance(value, float) and not isfinite(value) else value
