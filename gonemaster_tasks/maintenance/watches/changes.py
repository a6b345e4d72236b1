"""Changes between two runs of a domain, and whether a watch reports them: pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gonemaster_db.core.levels import LEVELS
from gonemaster_db.models import Watch, WatchEvent
from gonemaster_db.service.watched_runs import FollowedRun, TagKey
from gonemaster_engine.findings.causes.model import Cause
from gonemaster_engine.scoring.config import ScoringConfig

MAX_TAGS = 20  # Maximum number of message tags in an event.

Levels = Mapping[TagKey, str]


@dataclass(frozen=True)
class Grades:
    """The grades of a scoring configuration, best first, with their lowest scores."""

    bands: tuple[tuple[str, float], ...]

    @classmethod
    def of(cls, config: ScoringConfig) -> "Grades":
        """Create the grades from a scoring configuration."""
        return cls(tuple((band.grade, band.min_score) for band in config.grade_bands))

    def place(self, run: FollowedRun) -> int | None:
        """Return the rank of a run's grade, 0 for the best; None for a run without a grade.

        A grade of an earlier configuration counts as the grade that its score would earn now.
        """
        if run.grade is None:
            return None
        names = [name for name, _ in self.bands]
        if run.grade in names:
            return names.index(run.grade)
        if run.score is None:
            return None
        reached = (place for place, (_, lowest) in enumerate(self.bands) if run.score >= lowest)
        return next(reached, len(self.bands))


@dataclass(frozen=True)
class CauseChanges:
    """The root causes that only one of two runs has, worst first."""

    new: Sequence[Cause] = ()
    gone: Sequence[Cause] = ()


@dataclass(frozen=True)
class Change:
    """Two runs of a domain. `drop` is the number of grades lost, negative if grades were gained, 0 without grades."""

    before: FollowedRun
    now: FollowedRun
    drop: int
    levels_before: Levels
    levels_now: Levels

    def new_tags(self, min_level: str) -> dict[TagKey, str]:
        """Return the message tags that have reached a level since the previous run, with their levels."""
        return _gained(self.levels_before, self.levels_now, min_level)

    def gone_tags(self, min_level: str) -> dict[TagKey, str]:
        """Return the message tags that no longer reach a level, with their levels in the previous run."""
        return _gained(self.levels_now, self.levels_before, min_level)

    def event_for(self, watch: Watch) -> WatchEvent | None:
        """Return the event of the change for a watch: worse if anything is worse, else better if anything is better."""
        if self.drop >= watch.grade_drop or self.new_tags(watch.min_level):
            return WatchEvent.DOMAIN_REGRESSED
        if self.drop <= 0 and (-self.drop >= watch.grade_drop or self.gone_tags(watch.min_level)):
            return WatchEvent.DOMAIN_RECOVERED
        return None

    @property
    def has_other_verdict(self) -> bool:
        """Whether the policy, which is the same for both runs, has another verdict than before."""
        return self.now.verdict is not None and self.before.verdict not in (None, self.now.verdict)

    def events_for(self, watch: Watch) -> list[WatchEvent]:
        """Return the events of the change that a watch reports."""
        found = [self.event_for(watch), WatchEvent.VERDICT_CHANGED if self.has_other_verdict else None]
        return [event for event in found if event is not None and event in watch.events]

    def document(self, min_level: str, batch_id: str | None, causes: CauseChanges) -> dict[str, Any]:
        """Return the change as a document for notifications."""
        profiles = {self.before.effective_profile_id, self.now.effective_profile_id} - {None}
        return {
            "domain": self.now.domain,
            "run_id": self.now.id,
            "batch_id": batch_id,
            "grade_drop": self.drop,
            "new_tags": _listed(self.new_tags(min_level)),
            "gone_tags": _listed(self.gone_tags(min_level)),
            "new_causes": [_cause_document(cause) for cause in causes.new],
            "gone_causes": [_cause_document(cause) for cause in causes.gone],
            "profile_changed": len(profiles) > 1,
            "previous": _run_document(self.before),
            "current": _run_document(self.now),
        }


def compare(before: FollowedRun, now: FollowedRun, levels: Mapping[int, Levels], grades: Grades) -> Change | None:
    """Compare two runs; return None if no watch could be interested. `levels` has the levels of their outcomes."""
    places = grades.place(before), grades.place(now)
    drop = 0 if places[0] is None or places[1] is None else places[1] - places[0]
    if not drop and (before.outcome_id, before.verdict) == (now.outcome_id, now.verdict):
        return None
    levels_of_runs = [levels.get(run.outcome_id or 0, {}) for run in (before, now)]
    return Change(before, now, drop, *levels_of_runs)


def _gained(before: Levels, now: Levels, min_level: str) -> dict[TagKey, str]:
    lowest = LEVELS.index(min_level)
    return {
        tag: level
        for tag, level in now.items()
        if LEVELS.index(level) >= lowest and LEVELS.index(before.get(tag, LEVELS[0])) < lowest
    }


def _listed(tags: Mapping[TagKey, str]) -> list[dict[str, str]]:
    worst_first = sorted(tags.items(), key=lambda item: (-LEVELS.index(item[1]), item[0]))
    return [
        {"tag": tag, "module": module, "testcase": testcase, "level": level}
        for (module, testcase, tag), level in worst_first[:MAX_TAGS]
    ]


def _cause_document(cause: Cause) -> dict[str, str]:
    return {"cause": cause.id, "harm": cause.harm.value, "level": cause.level.name, "title": cause.title()}


def _run_document(run: FollowedRun) -> dict[str, Any]:
    finished_at = run.finished_at.isoformat().replace("+00:00", "Z")
    return {
        "run_id": run.id,
        "finished_at": finished_at,
        "score": run.score,
        "grade": run.grade,
        "worst_level": run.worst_level,
        "policy": run.policy,
        "policy_version": run.policy_version,
        "verdict": run.verdict,
    }
