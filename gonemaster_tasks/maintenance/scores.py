"""Recomputes stored scores in the background after the scoring rule has changed."""

import logging
import secrets
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from gonemaster_db.core.errors import DocumentDamaged
from gonemaster_db.core.session import Store
from gonemaster_db.core.states import Keep
from gonemaster_db.runs.run_documents import StoredRun, entries_of, read_stored_runs
from gonemaster_db.runs.runs import OutdatedScore, outdated_scores, set_score
from gonemaster_engine.scoring.config import ScoringConfig
from gonemaster_engine.scoring.rule import RULE_VERSION
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.control.verdicts import judge_stored

log = logging.getLogger(__name__)

_LOCK = "scores"
_INTERVAL = timedelta(minutes=1)
STEP = 100  # runs per transaction
_MAX_STEPS = 50  # per call, so that other maintenance tasks run in between


class ScoreRecomputation:
    """The progress of one process through the stored runs, oldest first."""

    def __init__(self) -> None:
        self._after = 0  # key of the last run that was checked

    def advance(
        self, store: Store, broker: Broker, config: ScoringConfig, *, stopped: Callable[[], bool] = lambda: False
    ) -> int:
        """Recompute some scores of an older rule, unless a worker did so less than a minute ago; return their number.

        Raises:
            BrokerUnavailable, StoreUnavailable: nothing is lost; the next call continues.
        """
        # The lock is not released: it expires after a minute.
        if not broker.locks.acquire(_LOCK, secrets.token_hex(8), _INTERVAL):
            return 0
        done = 0
        for _ in range(_MAX_STEPS):
            found = 0 if stopped() else self._step(store, config)
            done += found
            if found < STEP:
                break
        if done:
            log.info("scores recomputed", extra={"runs": done, "rule": RULE_VERSION})
        return done

    def _step(self, store: Store, config: ScoringConfig) -> int:
        with store.read_only() as session:
            outdated = outdated_scores(session, rule=RULE_VERSION, after=self._after, limit=STEP)
            scores = _computed(session, outdated, config)
        store.run_in_transaction(lambda session: _write(session, scores))
        if outdated:
            self._after = outdated[-1].key
        return len(outdated)


class _Recomputed(NamedTuple):
    """The score of a run and its causes; None if the causes are unknown."""

    score: int | None
    grade: str | None
    causes: Collection[str] | None = None


def _computed(session: Session, outdated: Sequence[OutdatedScore], config: ScoringConfig) -> dict[str, _Recomputed]:
    """Return the new score and causes by run; a run that is damaged or reduced keeps its old score."""
    stored = read_stored_runs(session, [run.id for run in outdated])
    return {
        run.id: _score_of(session, stored[run.id], config) or _Recomputed(run.score, run.grade)
        for run in outdated
        if run.id in stored
    }


def _score_of(session: Session, run: StoredRun, config: ScoringConfig) -> _Recomputed | None:
    if run.kept is not Keep.FULL:
        return None
    try:
        entries = entries_of(session, run)
        timings = run.full_document.nameserver_timings
    except DocumentDamaged as error:
        log.warning("score not recomputed", extra={"job_id": run.id, "error": str(error)})
        return None
    score, found = judge_stored(run.domain, entries, timings, config)
    causes = [cause.id for cause in found]
    return _Recomputed(score.score, score.grade, causes) if score else _Recomputed(None, None, causes)


def _write(session: Session, scores: dict[str, _Recomputed]) -> None:
    for run_id, found in scores.items():
        set_score(session, run_id, score=found.score, grade=found.grade, rule=RULE_VERSION, causes=found.causes)
