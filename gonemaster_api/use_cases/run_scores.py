"""The score of a run, computed from its stored entries with the configuration that counts now."""

from collections.abc import Iterable
from typing import NamedTuple

import structlog

from gonemaster_api.state import State
from gonemaster_db.errors import StoreConflict, StoreUnavailable
from gonemaster_db.models import Entry, Run, RunStatus
from gonemaster_db.repositories.entries import entries_of_run
from gonemaster_db.repositories.runs import set_score
from gonemaster_engine.entries import Level
from gonemaster_engine.scoring.config import ScoringConfig
from gonemaster_engine.scoring.score import Score, compute_score

log = structlog.get_logger(__name__)


class _Line(NamedTuple):
    """What scoring reads of a stored entry."""

    module: str
    tag: str
    level: Level


def score_of(run: Run, entries: Iterable[Entry], config: ScoringConfig) -> Score | None:
    """Return the score; None for a run that did not succeed."""
    if run.status is not RunStatus.SUCCEEDED:
        return None
    lines = [_Line(entry.module, entry.tag, Level[entry.level]) for entry in entries]
    return compute_score(run.domain, lines, config)


def keep_missing(state: State, run: Run, score: Score | None) -> None:
    """Store the score of a run that has none yet; while the database cannot take it, a later read will."""
    if score is None or run.score is not None:
        return
    try:
        state.store.run_in_transaction(
            lambda session: set_score(session, run.id, score=score.score, grade=score.grade), attempts=1
        )
    except (StoreUnavailable, StoreConflict) as error:
        log.warning("score not stored", run_id=run.id, error=str(error))


def complete(state: State, run: Run, config: ScoringConfig) -> tuple[int | None, str | None]:
    """Return stored score and grade; those of a run that succeeded without are computed and stored."""
    if run.score is not None or run.status is not RunStatus.SUCCEEDED:
        return run.score, run.grade
    with state.store.read_only() as session:
        score = score_of(run, entries_of_run(session, run.id), config)
    keep_missing(state, run, score)
    return (score.score, score.grade) if score else (None, None)
