"""Scores and root causes of stored runs, computed from their entries."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from gonemaster_db.core.errors import DocumentDamaged
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.core.states import Keep
from gonemaster_db.runs.causes import causes_of_runs
from gonemaster_db.runs.run_documents import StoredRun, entries_of, read_stored_runs
from gonemaster_engine import entries as engine
from gonemaster_engine.findings.causes.model import Cause
from gonemaster_engine.findings.causes.registry import causes_of, causes_without_run
from gonemaster_engine.scoring.config import ScoringConfig
from gonemaster_engine.scoring.score import Score, compute_score

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoredTiming:
    """The response times of a name server that rules of causes read."""

    address: str
    count: int
    median_ms: float | None
    timeouts: int
    lost: int

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "StoredTiming":
        """Return the timing in a stored row, which can lack values."""
        return cls(
            row.get("address", ""),
            row.get("count", 0),
            row.get("median_ms"),
            row.get("timeouts", 0),
            row.get("lost", 0),
        )


class Judgment(NamedTuple):
    """The score of a run, None if it cannot judge a zone, and its root causes, worst first."""

    score: Score | None
    causes: list[Cause]


def judge_stored(
    domain: str,
    entries: Iterable[EntryRecord],
    timings: Iterable[Mapping[str, Any]] | None,
    config: ScoringConfig,
) -> Judgment:
    """Compute the score and the causes of a successful run from its stored data."""
    reported = [as_reported(row) for row in entries]
    causes = causes_of(domain, reported, map(StoredTiming.of, timings or ()))
    return Judgment(compute_score(domain, reported, config, causes=causes), causes)


def as_reported(row: EntryRecord) -> engine.Entry:
    """Return a stored entry as the engine reported it."""
    return engine.Entry(row.timestamp, row.module, row.testcase, row.tag, engine.Level[row.level], dict(row.args))


def causes_by_run(session: Session, run_ids: Sequence[str]) -> dict[str, list[Cause]]:
    """Return the root causes of runs that succeeded; none for a run that no longer exists or is damaged.

    The causes of a reduced run are those that were found when it finished, without their details.
    """
    stored = read_stored_runs(session, run_ids)
    reduced = [run.key for run in stored.values() if run.kept is not Keep.FULL]
    known = {key: causes_without_run(causes) for key, causes in causes_of_runs(session, reduced).items()}
    return {
        run_id: [] if (run := stored.get(run_id)) is None else known.get(run.key) or _causes_in(session, run)
        for run_id in run_ids
    }


def _causes_in(session: Session, run: StoredRun) -> list[Cause]:
    if run.kept is not Keep.FULL:
        return []
    try:
        reported = [as_reported(row) for row in entries_of(session, run)]
        return causes_of(run.domain, reported, map(StoredTiming.of, run.full_document.nameserver_timings or ()))
    except DocumentDamaged as error:
        log.warning("causes not computed", extra={"job_id": run.id, "error": str(error)})
        return []


def only_in(causes: Iterable[Cause], others: Iterable[Cause]) -> list[Cause]:
    """Return the causes that the others do not contain."""
    known = {cause.id for cause in others}
    return [cause for cause in causes if cause.id not in known]
