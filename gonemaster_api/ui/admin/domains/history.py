"""The history of a domain, shown on its page above the list of runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gonemaster_api.queries.domains import read_domain_named
from gonemaster_api.queries.runs.comparison import ComparedFinding, RunComparison, compare_runs
from gonemaster_api.queries.runs.runs import read_runs
from gonemaster_api.queries.schedules import read_schedules
from gonemaster_api.state import State
from gonemaster_db.models import RunStatus
from gonemaster_db.runs.sort_keys import RUN_SORT
from gonemaster_tasks.config.scoring import current_scoring

MAX_RUNS = 100  # The maximum number of runs in the curve.


@dataclass(frozen=True)
class Point:
    """A run in the curve, at a position in percent from the left and from the top."""

    run: Mapping[str, Any]
    x: float
    y: float


@dataclass(frozen=True)
class History:
    """The newest runs of a domain, oldest first, with their scores."""

    runs: Sequence[Mapping[str, Any]]
    total: int

    @property
    def newest(self) -> Mapping[str, Any] | None:
        """The newest run."""
        return self.runs[-1] if self.runs else None

    @property
    def scores(self) -> list[int | None]:
        """The score of each run, None for a run without a score."""
        return [run.get("score") for run in self.runs]

    @property
    def points(self) -> list[Point]:
        """The first, worst, best and newest run with a score, in chronological order."""
        scored = [(number, score) for number, score in enumerate(self.scores) if score is not None]
        if not scored:
            return []
        worst = min(scored, key=lambda pair: pair[1])
        best = max(scored, key=lambda pair: (pair[1], pair[0]))
        chosen = sorted({scored[0], worst, best, scored[-1]})
        last = max(1, len(self.runs) - 1)
        return [Point(self.runs[number], 100 * number / last, 100.0 - score) for number, score in chosen]

    @property
    def labels(self) -> list[datetime]:
        """The times of the first, the middle and the newest run."""
        positions = sorted({0, len(self.runs) // 2, len(self.runs) - 1}) if self.runs else []
        return [self.runs[position]["finished_at"] for position in positions]

    def before(self, run_id: str) -> Mapping[str, Any] | None:
        """Return the successful run before one of these runs, None if it is unknown."""
        ids = [run["id"] for run in self.runs]
        if run_id not in ids:
            return None
        earlier = (run for run in reversed(self.runs[: ids.index(run_id)]) if run["status"] == RunStatus.SUCCEEDED)
        return next(earlier, None)

    def change(self, run_id: str) -> int | None:
        """Return the score difference between a run and the previous run, None if it is unknown."""
        before = self.before(run_id)
        score = next((run.get("score") for run in self.runs if run["id"] == run_id), None)
        earlier = before.get("score") if before else None
        return None if score is None or earlier is None else score - earlier


def read_history(state: State, domain_id: int) -> History:
    """Read the newest runs of a domain."""
    query = {"limit": MAX_RUNS, "offset": 0, "sort": RUN_SORT}
    found = read_runs(state, query, domain_id=domain_id)
    return History(found["items"][::-1], found["total"])


@dataclass(frozen=True)
class DomainPage:
    """The data on the page of a domain, except the list of runs."""

    domain: Mapping[str, Any]
    history: History
    comparison: RunComparison | None
    next_run: "NextRun | None"
    bands: Sequence[tuple[str, float]]

    @property
    def changes(self) -> Sequence[tuple[str, ComparedFinding]]:
        """The changes since the previous run: kind of change and finding, worst first."""
        if self.comparison is None:
            return ()
        return self.comparison.all_changes()


@dataclass(frozen=True)
class NextRun:
    """The next scheduled test of a domain, with the tag that has the schedule."""

    at: datetime
    tag: str


def read_domain_page(state: State, name: str, *, locale: str) -> DomainPage:
    """Read a domain by its name. Raises NotFound."""
    domain = read_domain_named(state, name)
    history = read_history(state, domain["id"])
    newest = history.newest
    before = history.before(newest["id"]) if newest else None
    comparison = None
    if newest and before and newest["status"] == RunStatus.SUCCEEDED:
        comparison = compare_runs(state, before["id"], newest["id"], min_level="NOTICE", locale=locale)
    bands = current_scoring(state.store, state.settings).grade_bands
    shown = [(band.grade, band.min_score) for band in bands if 0 < band.min_score < 100]
    return DomainPage(domain, history, comparison, _next_run(state, domain["tags"]), shown)


def _next_run(state: State, tags: Sequence[str]) -> NextRun | None:
    schedules = read_schedules(state) if tags else []
    due = [
        NextRun(schedule["next_run_at"], schedule["source_tag"])
        for schedule in schedules
        if schedule["enabled"] and schedule["next_run_at"] and schedule["source_tag"] in tags
    ]
    return min(due, key=lambda run: run.at, default=None)
