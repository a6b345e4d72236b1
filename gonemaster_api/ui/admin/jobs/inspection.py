"""The data on the page of one job, read from the same queries as the API documents."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from gonemaster_api.errors import NotFound
from gonemaster_api.queries.jobs.found import read_found
from gonemaster_api.queries.jobs.jobs import job_document
from gonemaster_api.queries.runs.findings import EntryGroup
from gonemaster_api.queries.runs.last_time import LastTime, read_last_time
from gonemaster_api.queries.runs.results import RunWithEntries, parts_for_operators
from gonemaster_api.state import State
from gonemaster_api.ui.shell.causes import ShownCauses
from gonemaster_api.ui.shell.charts.live import LiveTest, is_fast, live_test
from gonemaster_api.ui.shell.charts.own_servers import own_servers
from gonemaster_api.ui.shell.charts.ways import WayBand, way_of
from gonemaster_api.ui.shell.findings import Findings
from gonemaster_api.ui.shell.texts.languages import language
from gonemaster_api.use_cases.score_backfill import read_scored_finish
from gonemaster_db.core.errors import DocumentDamaged, JobNotFound
from gonemaster_db.models import Job, Run
from gonemaster_db.queue.jobs import find_job_or_run
from gonemaster_db.runs.runs import get_dnssec_chain, get_run
from gonemaster_engine.errors import ProfileError
from gonemaster_engine.findings.verdict import Verdict
from gonemaster_engine.profile.diff import ProfileDifference, diff_profile
from gonemaster_engine.profile.profile import Profile
from gonemaster_tasks.config.profiles import cached_base_profile
from gonemaster_tasks.queues import tier_of

_WORST = 8  # findings on the page of a domain
_PROFILE_KEPT_S = 60.0  # Most runs share a few profiles.
_SCALES_MS = (50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000)


@dataclass(frozen=True)
class WaitingJob:
    """A waiting or running job; `document` is its API document."""

    job: Job
    document: Mapping[str, Any]
    live: LiveTest | None = None

    @property
    def every_s(self) -> int:
        """The seconds until the page is refreshed."""
        return 1 if is_fast(self.job) else 2

    @property
    def state(self) -> str:
        """The state, as in the API."""
        return str(self.document["status"])

    @property
    def tier(self) -> str:
        """The tier in which the job is waiting."""
        return tier_of(self.job.priority)


@dataclass(frozen=True)
class Inspection:
    """A finished job: its run, findings, score and times."""

    finished: RunWithEntries
    findings: Findings
    shows_score: bool
    shows_timings: bool
    causes: ShownCauses
    last_time: LastTime | None = None

    @property
    def run(self) -> Run:
        """The run."""
        return self.finished.run

    @property
    def score(self) -> Mapping[str, Any] | None:
        """The score as in the API, None if it is hidden or the run has no score."""
        return self.finished.score.as_dict(locale=language()) if self.finished.score and self.shows_score else None

    @property
    def unexplained(self) -> Sequence[EntryGroup]:
        """The worst findings that no root cause explains, of all modules in one list."""
        return self.findings.unexplained(_WORST)

    @property
    def verdict(self) -> Verdict | None:
        """The verdict on a run that cannot judge a zone, None for other runs."""
        return self.finished.verdict

    @property
    def tier(self) -> str:
        """The tier of the job."""
        return tier_of(self.run.priority)

    @property
    def waited_s(self) -> float | None:
        """Seconds from submission to start."""
        return _seconds(self.run.created_at, self.run.started_at)

    @property
    def ran_s(self) -> float | None:
        """Seconds from start to end."""
        return None if self.run.duration_ms is None else self.run.duration_ms / 1000

    @property
    def engine(self) -> str:
        """The engine version of the run, empty if it was not recorded."""
        versions = (entry.args.get("version") for entry in self.finished.entries if entry.tag == "GLOBAL_VERSION")
        return str(next(versions, ""))

    @property
    def options(self) -> Mapping[str, Any]:
        """The options of the job."""
        return self.run.config

    @cached_property
    def timings(self) -> Sequence["ShownTiming"]:
        """The response times of name servers, those of the zone first, by name and address."""
        rows = self.finished.nameserver_timings or () if self.shows_timings else ()
        slowest = max((row.get("max_ms") or 0 for row in rows), default=0)
        scale = next((ms for ms in _SCALES_MS if ms >= slowest), _SCALES_MS[-1])
        own = own_servers(self.finished.entries)
        shown = [ShownTiming(row, scale, row["nameserver"] in own) for row in rows]
        return sorted(shown, key=lambda timing: not timing.is_own)

    @cached_property
    def way(self) -> Sequence[WayBand]:
        """The parent zone and the name servers, with state and time; none if timings are hidden."""
        rows = self.finished.nameserver_timings if self.shows_timings and not self.verdict else ()
        return way_of(self.run.domain, self.finished.entries, rows, self.finished.read_chain())

    @property
    def responses(self) -> int:
        """The number of responses from the name servers of the zone."""
        return sum(int(timing.row.get("count") or 0) for timing in self.timings)


@dataclass(frozen=True)
class ShownTiming:
    """The response times of one address; positions are percentages of a scale in milliseconds that all rows share."""

    row: Mapping[str, Any]
    scale_ms: int
    is_own: bool  # whether it serves the zone; others were queried on the way to it

    @property
    def is_ok(self) -> bool:
        """Whether the address responded."""
        return self.median_ms is not None

    @property
    def median_ms(self) -> float | None:
        """The median; the mean for older runs, which have no median."""
        median = self.row.get("median_ms")
        return self.row.get("avg_ms") if median is None else median

    def place(self, milliseconds: float | None) -> float:
        """Return the position of a value on the scale."""
        return min(100.0, 100 * (milliseconds or 0.0) / self.scale_ms)


def read_item(state: State, job_id: str) -> Job | Run:
    """Return a job, or its run after it has graduated. Raises JobNotFound."""
    with state.store.read_only() as session:
        return find_job_or_run(session, job_id)


def inspect_waiting(state: State, job: Job) -> WaitingJob:
    """Return the data on the page of an unfinished job."""
    found = read_found(state, job) if parts_for_operators(state.settings).timings else None
    return WaitingJob(job, job_document(state, job), live_test(job.domain, found))


def inspect_run(state: State, run_id: str, *, locale: str) -> Inspection:
    """Return the data on the page of a run.

    Raises:
        JobNotFound: the run was deleted concurrently.
        DocumentDamaged: the stored findings cannot be read.
    """
    finished = read_scored_finish(state, run_id)
    shown = parts_for_operators(state.settings)
    causes = ShownCauses(finished, locale)
    return Inspection(
        finished,
        Findings(finished.entries, locale=locale, causes=causes),
        shows_score=shown.score,
        shows_timings=shown.timings,
        causes=causes,
        last_time=read_last_time(state, finished, only_public=False, locale=locale),
    )


def read_newest(state: State, run_id: str) -> Inspection | None:
    """Return the causes and worst findings of a run for the page of its domain; None if they cannot be read."""
    try:
        return inspect_run(state, run_id, locale=language())
    except (JobNotFound, DocumentDamaged):
        return None


def read_chain(state: State, run_id: str) -> Mapping[str, Any]:
    """Return the document of the DNSSEC chain of trust of a run.

    Raises:
        NotFound: the run has no chain.
        RunNotFound: the run does not exist.
    """
    with state.store.read_only() as session:
        chain: Mapping[str, Any] | None = get_dnssec_chain(session, run_id)
    if chain is None:
        raise NotFound("DNSSEC chain of run", run_id)
    return chain


@dataclass(frozen=True)
class ProfileOfRun:
    """The full profile of a run, and its differences from the server default; None if it cannot be compared."""

    run: Run
    text: str
    changes: Sequence[ProfileDifference] | None


def read_effective_profile(state: State, run_id: str) -> ProfileOfRun:
    """Return the profile of a run. Raises RunNotFound."""
    with state.store.read_only() as session:
        run = get_run(session, run_id)
        text = run.effective_profile.document if run.effective_profile else ""
    return ProfileOfRun(run, _indented(text), profile_changes(text, cached_base_profile(state.settings)))


def _indented(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False) if text else ""
    except ValueError:
        return text


def profile_changes(text: str, base: Profile) -> list[ProfileDifference] | None:
    """Return the differences between a JSON profile and another profile, None if it is missing or has an old format."""
    try:
        found = diff_profile(json.loads(text), base) if text else None
    except (ValueError, ProfileError):
        return None
    return None if found is None else [each for each in found.properties if not each.redundant]


def count_profile_changes(state: State, run: Run) -> int | None:
    """Return the number of differences between the profile of a run and the server default, None if unknown."""
    if run.effective_profile_id is None:
        return None
    found: int | None = state.recent.get(
        ("ui-profile-changes", run.effective_profile_id), lambda: _count_changes(state, run.id), life_s=_PROFILE_KEPT_S
    )
    return found


def _count_changes(state: State, run_id: str) -> int | None:
    changes = read_effective_profile(state, run_id).changes
    return None if changes is None else sum(change.deviations for change in changes)


def _seconds(begin: datetime | None, end: datetime | None) -> float | None:
    return None if begin is None or end is None else max(timedelta(), end - begin).total_seconds()
