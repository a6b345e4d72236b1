"""Reads of runs through the API; a successful run without a score gets its score when it is read."""

from typing import Any

import structlog

from gonemaster_api.errors import NotFound
from gonemaster_api.queries.runs.results import (
    RunWithEntries,
    VisibleParts,
    judge_run,
    parts_for_operators,
    read_finished_run,
    result_document,
)
from gonemaster_api.queries.runs.runs import read_run
from gonemaster_api.state import State
from gonemaster_db.core.errors import StoreConflict, StoreUnavailable
from gonemaster_db.models import Keep, RunStatus
from gonemaster_db.runs.run_documents import entries_of, read_stored_run
from gonemaster_db.runs.runs import get_run, set_score
from gonemaster_engine.findings.messages import best_locale
from gonemaster_engine.scoring.rule import RULE_VERSION
from gonemaster_engine.scoring.score import Score
from gonemaster_tasks.config.scoring import current_scoring

log = structlog.get_logger(__name__)


def read_scored_result(state: State, run_id: str, *, locale: str, shown: VisibleParts | None = None) -> dict[str, Any]:
    """Return the result of a finished job; store its score if missing. `shown` defaults to the view of operators.

    Raises:
        ApiError: 404 not_found while the job is not finished; its status is in the details.
        JobNotFound: there is no such job.
    """
    finished = read_scored_finish(state, run_id)
    return result_document(state, finished, locale=locale, shown=shown or parts_for_operators(state.settings))


def read_explained_score(state: State, run_id: str, *, locale: str) -> dict[str, Any]:
    """Return the score of a run with its cap and the points that each entry costs.

    Raises:
        ApiError: 404 not_found while the job is not finished, if the run has no score, or if scores are hidden.
        JobNotFound: there is no such job.
    """
    score = read_scored_finish(state, run_id).score
    if score is None or not state.settings.show_score_admin:
        raise NotFound("score of run", run_id)
    return score.explained(locale=best_locale(locale))


def read_scored_finish(state: State, run_id: str) -> RunWithEntries:
    """Return a finished job with its entries; store its score if missing.

    Raises:
        ApiError: 404 not_found while the job is not finished.
        JobNotFound: there is no such job.
        DocumentDamaged: the stored entries cannot be read.
    """
    finished = read_finished_run(state, run_id)
    if finished.score is not None and finished.run.score is None:
        _backfill(state, run_id, finished.score)
    return finished


def read_scored_run(state: State, run_id: str) -> dict[str, Any]:
    """Return a run with its profile and timings; compute and store its score if missing. Raises RunNotFound."""
    document = read_run(state, run_id)
    if "score" not in document or document["score"] is not None or document["status"] != RunStatus.SUCCEEDED:
        return document
    scoring = current_scoring(state.store, state.settings)
    with state.store.read_only() as session:
        stored = read_stored_run(session, run_id)
        if stored.kept is not Keep.FULL:
            return document
        timings = stored.full_document.nameserver_timings
        score, _ = judge_run(get_run(session, run_id), entries_of(session, stored), timings, scoring)
    if score is None:
        return document
    _backfill(state, run_id, score)
    return document | {"score": score.score, "grade": score.grade}


def _backfill(state: State, run_id: str, score: Score) -> None:
    """Store a score; log a failure of the database instead of rejecting the read, because a later read tries again."""
    try:
        state.store.run_in_transaction(
            lambda session: set_score(session, run_id, score=score.score, grade=score.grade, rule=RULE_VERSION),
            attempts=1,
        )
    except (StoreUnavailable, StoreConflict) as error:
        log.warning("score not stored", run_id=run_id, error=str(error))
