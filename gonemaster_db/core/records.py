"""Immutable records that queries take and return in addition to model rows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar

from gonemaster_db.core.states import Keep, Priority, RunStatus

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to be queued.

    `domain` is normalised. `config` holds the values that differ from the defaults: tests, overrides, nameservers, ds,
    min_level, ipv4_disabled, ipv6_disabled, policy ({name, version}), origin and tags (which the domain joins at
    graduation), and the request_id and traceparent of the request that submitted the job. Checks before delegation also
    have run_until.
    """

    domain: str
    priority: int = Priority.NORMAL
    batch_id: str | None = None
    public_id: str | None = None
    profile: str = ""
    profile_id: int | None = None
    profile_name: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewBatch:
    """A batch to be created; its jobs are added in the same transaction, `pending` ones later by an operation.

    With `promote_snapshot` its snapshot is pinned as the default snapshot when it is captured. `keep` is what is kept
    of its runs; None: what the cohorts of its tags say, or `default_keep`.
    """

    domain_count: int
    tag: str = ""
    name: str = ""
    tags: tuple[str, ...] = ()
    description: str = ""
    snapshot_intent: bool = False
    promote_snapshot: bool = False
    origin: str = ""
    pending: int = 0
    keep: Keep | None = None
    default_keep: Keep = Keep.FULL


class EntryRecord(NamedTuple):
    """One line of a run: `timestamp` in seconds since its start, `module` in upper case, `testcase` in lower case.

    The store sets the fields after `args` on reading; `id` is unique among all runs and ascends within a run. It is a
    tuple, because a run has hundreds and a frozen dataclass takes several times as long.
    """

    timestamp: float
    module: str
    testcase: str
    tag: str
    level: str
    args: Mapping[str, Any] = MappingProxyType({})
    id: int = 0
    run_id: str = ""
    domain_id: int = 0
    domain: str = ""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The result of a run as reported by a worker; `effective_profile` is JSON text or a mapping."""

    status: RunStatus
    finished_at: datetime
    entries: Sequence[EntryRecord] = ()
    error: str = ""
    effective_profile: str | Mapping[str, Any] | None = None
    nameserver_timings: Sequence[Mapping[str, Any]] | None = None
    dnssec_chain: Mapping[str, Any] | None = None
    score: int | None = None
    grade: str | None = None
    score_rule: int | None = None
    verdict: str | None = None  # of the policy of the job: pass, fail, undecided
    causes: Collection[str] | None = None  # identifiers of root causes; None if unknown


@dataclass(frozen=True, slots=True)
class LeaseRenewal:
    """The result of a lease renewal: this worker no longer holds `lost` jobs; `canceled` jobs have a cancel request."""

    lost: frozenset[str]
    canceled: frozenset[str]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A slice of a list; `total` counts all matches, or is a lower bound with `total_is_least`.

    With `is_cut` the page ends before its limit, because its items are large.
    """

    items: Sequence[T]
    total: int
    limit: int
    offset: int
    total_is_least: bool = False
    is_cut: bool = False
