"""Filters of lists; None and False mean no condition."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Severity = Literal["warnings_plus", "errors_only"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """A filter of jobs and runs; `domain` is a substring; some fields exclude unfinished jobs."""

    status: str | None = None
    batch_id: str | None = None
    domain: str | None = None
    severity: Severity | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    min_duration_ms: int | None = None
    min_attempts: int | None = None
    policy: str | None = None
    verdict: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """A filter of runs; `event_tag` is a message tag, `cause` a root cause, and times are exclusive bounds."""

    domain_tag: str | None = None
    event_tag: str | None = None
    domain: str | None = None
    domain_exact: str | None = None
    domain_id: int | None = None
    batch_id: str | None = None
    status: str | None = None
    level: str | None = None
    grade: str | None = None
    cause: str | None = None
    finished_after: datetime | None = None
    finished_before: datetime | None = None
    min_duration_ms: int | None = None
    min_attempts: int | None = None
    policy: str | None = None
    verdict: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainFilter:
    """A filter of domains; `name` is a substring, and levels and causes refer to the newest run."""

    domain_tag: str | None = None
    untagged: bool = False
    name: str | None = None
    level: str | None = None
    min_level: str | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFilter:
    """A filter of entries; module and test case ignore case, and `latest` selects the newest run of each domain."""

    run_id: str | None = None
    domain_id: int | None = None
    domain_tag: str | None = None
    module: str | None = None
    testcase: str | None = None
    tag: str | None = None
    level: str | None = None
    latest: bool = False
    batch_id: str | None = None
