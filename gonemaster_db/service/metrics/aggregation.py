"""Aggregates of runs for the metrics: counters, time slots, and the most recent domains and batches."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from gonemaster_db.core.levels import SEVERITIES
from gonemaster_db.core.states import RunStatus
from gonemaster_db.service.metrics.counting import Count
from gonemaster_db.service.metrics.slots import KEPT_S, SlotKey, SlotSums, is_kept, slots_at

MAX_SEPARATE = 256  # domains and batches that are counted separately
# Most tests take one to five seconds, so the buckets are narrow there.
DURATION_BOUNDS_MS = (
    *(100, 250, 500, 750, 1000, 1500, 2000, 2500, 3000, 4000, 5000, 7500),
    *(10000, 15000, 20000, 30000, 60000, 120000, 300000, 600000),
)
SEVERITY, DURATION, DURATION_SUM = "job_severity", "job_duration", "job_duration_sum_ms"
BEYOND = "+Inf"
_COMPLETED = (RunStatus.SUCCEEDED, RunStatus.FAILED)
_STATES = tuple(status.value for status in RunStatus)


class FinishedRun(NamedTuple):
    """The columns of a run that the metrics aggregate."""

    key: int
    domain: str
    batch_key: int | None
    status: RunStatus
    finished_at: datetime
    duration_ms: int | None
    sev_notice: int
    sev_warning: int
    sev_error: int
    sev_critical: int

    @property
    def severities(self) -> tuple[int, int, int, int]:
        """Numbers of entries by level, at NOTICE and above."""
        return self[6:10]


def bucket_of(duration_ms: float, bounds: tuple[int, ...]) -> int:
    """Return the index of the first bound that is not exceeded, or the number of bounds."""
    return bisect_left(bounds, duration_ms)


@dataclass(slots=True)
class DomainSums:
    """Sums over the runs of a domain, or of all domains that are not counted separately."""

    runs: int = 0
    last_status: str = ""
    duration_ms: int = 0
    measured: int = 0
    severities: list[int] = field(default_factory=lambda: [0, 0, 0, 0])

    def add(self, run: FinishedRun) -> None:
        """Add one run."""
        self.runs += 1
        self.last_status = run.status
        if run.duration_ms is not None:
            self.duration_ms += run.duration_ms
            self.measured += 1
        self.severities = [a + b for a, b in zip(self.severities, run.severities, strict=True)]

    def fold(self, other: "DomainSums") -> None:
        """Add the sums of another instance."""
        self.runs += other.runs
        self.duration_ms += other.duration_ms
        self.measured += other.measured
        self.severities = [a + b for a, b in zip(self.severities, other.severities, strict=True)]


@dataclass(slots=True)
class BatchSums:
    """Sums over the runs of a batch, or of all batches not counted separately; `size` is the number of jobs."""

    size: int = 0
    id: str = ""
    ended: list[int] = field(default_factory=lambda: [0] * len(_STATES))
    severities: list[int] = field(default_factory=lambda: [0, 0, 0, 0])

    @property
    def outcomes(self) -> dict[str, int]:
        """Number of runs by status."""
        return dict(zip(_STATES, self.ended, strict=True))

    def add(self, run: FinishedRun) -> None:
        """Add one run."""
        self.ended[_STATES.index(run.status)] += 1
        self.severities = [a + b for a, b in zip(self.severities, run.severities, strict=True)]

    def fold(self, other: "BatchSums") -> None:
        """Add the sums of another instance."""
        self.size += other.size
        self.ended = [a + b for a, b in zip(self.ended, other.ended, strict=True)]
        self.severities = [a + b for a, b in zip(self.severities, other.severities, strict=True)]


@dataclass
class JobTally:
    """The sums over runs; `domains` and `batches` (by key, as string) are in order of their last run."""

    counts: Counter[Count] = field(default_factory=Counter)
    slots: dict[SlotKey, SlotSums] = field(default_factory=dict)
    domains: dict[str, DomainSums] = field(default_factory=dict)
    other_domains: DomainSums | None = None
    batches: dict[str, BatchSums] = field(default_factory=dict)
    other_batches: BatchSums | None = None

    def add(self, runs: Iterable[FinishedRun], batches: Mapping[int, tuple[str, int]], *, now_s: float) -> None:
        """Add runs; `batches` has the ID and size of the stored batches, by key."""
        for run in runs:
            self._count(run)
            self._count_outcome(run, now_s)
            self._add_to_domain(run)
            if run.batch_key is not None:
                self._add_to_batch(run, str(run.batch_key), batches.get(run.batch_key))

    def _count(self, run: FinishedRun) -> None:
        for level, number in zip(SEVERITIES, run.severities, strict=True):
            if number:
                self.counts[Count(SEVERITY, level)] += number
        if run.status in _COMPLETED and run.duration_ms is not None:
            position = bucket_of(run.duration_ms, DURATION_BOUNDS_MS)
            label = str(DURATION_BOUNDS_MS[position]) if position < len(DURATION_BOUNDS_MS) else BEYOND
            self.counts[Count(DURATION, label)] += 1
            self.counts[Count(DURATION_SUM)] += run.duration_ms

    def _count_outcome(self, run: FinishedRun, now_s: float) -> None:
        moment = run.finished_at.timestamp()
        if not is_kept((max(KEPT_S), int(moment)), now_s):
            return
        completed, failed = run.status in _COMPLETED, run.status is RunStatus.FAILED
        added = SlotSums(int(completed), int(failed), None, 0, 0, 0, 0, *run.severities)
        for slot in slots_at(moment):
            if is_kept(slot, now_s):
                self.slots.setdefault(slot, SlotSums()).add(added)

    def _add_to_domain(self, run: FinishedRun) -> None:
        known = self.domains.pop(run.domain, None) or DomainSums()
        known.add(run)
        self.domains[run.domain] = known
        if len(self.domains) > MAX_SEPARATE:
            self.other_domains = self.other_domains or DomainSums()
            self.other_domains.fold(self.domains.pop(next(iter(self.domains))))

    def _add_to_batch(self, run: FinishedRun, key: str, stored: tuple[str, int] | None) -> None:
        known = self.batches.pop(key, None) or BatchSums()
        if stored is not None:
            known.id, known.size = stored
        known.add(run)
        self.batches[key] = known
        if len(self.batches) > MAX_SEPARATE:
            self.other_batches = self.other_batches or BatchSums()
            self.other_batches.fold(self.batches.pop(next(iter(self.batches))))


def domains_document(tally: JobTally) -> dict[str, Any]:
    """Return the stored form of the domains: a list, since JSONB does not keep the order of members."""
    other = tally.other_domains
    return {
        "items": [[name, *_domain_values(sums)] for name, sums in tally.domains.items()],
        "other": None if other is None else _domain_values(other),
    }


def batches_document(tally: JobTally) -> dict[str, Any]:
    """Return the stored form of the batches."""
    other = tally.other_batches
    return {
        "items": [[key, *_batch_values(sums)] for key, sums in tally.batches.items()],
        "other": None if other is None else _batch_values(other),
    }


def _domain_values(sums: DomainSums) -> list[Any]:
    return [sums.runs, sums.last_status, sums.duration_ms, sums.measured, sums.severities]


def _batch_values(sums: BatchSums) -> list[Any]:
    return [sums.size, sums.id, sums.ended, sums.severities]


def tally_of(domains: Mapping[str, Any], batches: Mapping[str, Any]) -> JobTally:
    """Return a tally with the stored domains and batches, and with empty counts and slots."""
    tally = JobTally()
    tally.domains = {name: DomainSums(*values) for name, *values in domains.get("items", ())}
    tally.batches = {key: BatchSums(*values) for key, *values in batches.get("items", ())}
    if domains.get("other"):
        tally.other_domains = DomainSums(*domains["other"])
    if batches.get("other"):
        tally.other_batches = BatchSums(*batches["other"])
    return tally
