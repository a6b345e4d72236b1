"""Recurring batches: each due occurrence is decided once, in one transaction with the batch that it submits."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from gonemaster_db.core.errors import AmbiguousProfile, StoreConflict, StoreUnavailable
from gonemaster_db.core.records import NewBatch
from gonemaster_db.core.states import Keep
from gonemaster_db.domains.tags import count_tag_domains
from gonemaster_db.models import BatchOrigin, ScheduleOutcome
from gonemaster_db.service.metrics.counting import SCHEDULED, Count, add_counts
from gonemaster_db.service.schedules import (
    Decision,
    ListedSchedule,
    Occurrence,
    decide_occurrence,
    due_occurrences,
    has_active_batch,
    lock_occurrence,
)
from gonemaster_engine.errors import PolicyError
from gonemaster_engine.texts import Text, text_of
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.control.schedules import rule_of
from gonemaster_tasks.control.submit import StoredBatch, enqueue_batch, store_batch
from gonemaster_tasks.errors import BrokerUnavailable, InvalidRule
from gonemaster_tasks.maintenance.tag_jobs import jobs_of_tag
from gonemaster_tasks.recurrence.occurrences import next_occurrence

log = logging.getLogger(__name__)

_MISSED_AFTER = timedelta(hours=1)


def run_due_schedules(
    parts: QueueParts,
    *,
    max_batch_size: int,
    keep: Keep = Keep.FULL,
    stopped: Callable[[], bool] = lambda: False,
) -> list[ScheduleOutcome]:
    """Decide all due occurrences, oldest first, and submit their batches; return the outcomes.

    Exactly one process decides an occurrence: the update of the next due time and the batch share one transaction. An
    occurrence stays due if the database or Redis fails. `keep` is what is kept of runs if neither the schedule nor the
    cohort says it.

    Raises:
        BrokerUnavailable, StoreUnavailable: the remaining occurrences stay due.
    """
    parts.broker.check_room()
    with parts.store.read_only() as session:
        due = due_occurrences(session, now=parts.clock.now())
    outcomes = []
    for occurrence in due:
        if stopped():
            break
        if outcome := _run(parts, occurrence, max_batch_size, keep):
            outcomes.append(outcome)
    return outcomes


def _run(parts: QueueParts, occurrence: Occurrence, max_batch_size: int, keep: Keep) -> ScheduleOutcome | None:
    """Decide one occurrence; return None if another process decides it, or if it stays due."""
    about = {"schedule_id": occurrence.schedule_id, "due_at": occurrence.due_at.isoformat()}
    try:
        decided = parts.store.run_in_transaction(
            lambda session: _decide(parts, session, occurrence, max_batch_size, keep)
        )
    except (BrokerUnavailable, StoreUnavailable):
        raise
    except StoreConflict as error:
        log.warning("schedule not run, still due", extra={**about, "error": str(error)})
        return None
    except Exception as error:  # The failure of one schedule must not delay the others.
        expected = isinstance(error, AmbiguousProfile)
        log.warning("batch of a schedule not submitted", extra=about, exc_info=None if expected else error)
        text = _text_of(error)
        decided = parts.store.run_in_transaction(lambda session: _record_error(parts, session, occurrence, text))
    if decided is None:
        return None
    if decided.stored is not None:
        enqueue_batch(parts, decided.stored)
    _log(decided, about)
    return decided.decision.outcome


@dataclass(frozen=True)
class _Decided:
    """A committed decision; `stored` is the batch whose messages are sent next."""

    decision: Decision
    stored: StoredBatch | None = None


def _decide(
    parts: QueueParts, session: Session, occurrence: Occurrence, max_batch_size: int, keep: Keep
) -> _Decided | None:
    listed = lock_occurrence(session, occurrence)
    if listed is None:
        return None
    now = parts.clock.now()
    stored = None
    try:
        next_run_at = next_occurrence(rule_of(listed.schedule), max(now, occurrence.due_at))
    except InvalidRule as error:
        decision = Decision(ScheduleOutcome.ERROR, None, error=Text("disabled: {error}", error=text_of(error)))
    else:
        outcome, text = _checked(session, listed, occurrence, now=now, max_batch_size=max_batch_size)
        if outcome is ScheduleOutcome.SUBMITTED:
            stored = _store(parts, session, listed, keep, now=now)
        batch_id = stored.submitted.batch.id if stored else None
        decision = Decision(outcome, next_run_at, error=text, batch_id=batch_id)
    _write(session, occurrence, decision, now=now)
    return _Decided(decision, stored)


def _checked(
    session: Session, listed: ListedSchedule, occurrence: Occurrence, *, now: datetime, max_batch_size: int
) -> tuple[ScheduleOutcome, str]:
    """Return the outcome and an error text; the contract defines the order of the checks (data-model.md section 7)."""
    schedule = listed.schedule
    if not schedule.catch_up and now - occurrence.due_at > _MISSED_AFTER:
        return ScheduleOutcome.SKIPPED_MISSED, ""
    if listed.cohort is not None and not listed.cohort.analysis_enabled:
        return ScheduleOutcome.SKIPPED_DISABLED, ""
    if has_active_batch(session, schedule):
        return ScheduleOutcome.SKIPPED_ACTIVE, ""
    domains = count_tag_domains(session, listed.source_tag)
    if not domains:
        return ScheduleOutcome.SKIPPED_EMPTY, ""
    if domains > max_batch_size:
        return ScheduleOutcome.ERROR, f"the tag has {domains} domains, a batch has at most {max_batch_size}"
    return ScheduleOutcome.SUBMITTED, ""


def _store(parts: QueueParts, session: Session, listed: ListedSchedule, keep: Keep, *, now: datetime) -> StoredBatch:
    schedule, tag = listed.schedule, listed.source_tag
    is_analysed = listed.cohort is not None
    batch = NewBatch(
        0,  # Counted below, because the tag may change in the meantime.
        tag=tag,
        snapshot_intent=is_analysed,
        promote_snapshot=is_analysed and schedule.promote_default,
        origin=BatchOrigin.SCHEDULE,
        keep=schedule.keep,
        default_keep=keep,
    )
    jobs = jobs_of_tag(
        session, tag, profile_id=schedule.profile_id, origin=BatchOrigin.SCHEDULE, policy=schedule.policy
    )
    stored = store_batch(parts, session, batch, jobs, now=now)
    stored.submitted.batch.domain_count = stored.submitted.job_count
    session.flush()
    return stored


def _record_error(parts: QueueParts, session: Session, occurrence: Occurrence, text: str) -> _Decided | None:
    listed = lock_occurrence(session, occurrence)
    if listed is None:
        return None
    now = parts.clock.now()
    next_run_at = next_occurrence(rule_of(listed.schedule), max(now, occurrence.due_at))
    decision = Decision(ScheduleOutcome.ERROR, next_run_at, error=text)
    _write(session, occurrence, decision, now=now)
    return _Decided(decision)


def _write(session: Session, occurrence: Occurrence, decision: Decision, *, now: datetime) -> None:
    if not decide_occurrence(session, occurrence, decision, now=now):
        raise StoreConflict("the occurrence was decided by another process")  # This rolls the batch back.
    add_counts(session, {Count(SCHEDULED, decision.outcome): 1})


def _text_of(error: Exception) -> str:
    if isinstance(error, AmbiguousProfile):
        ids = ", ".join(map(str, error.profile_ids))
        return Text(
            "the tags of {domain} have different default profiles ({ids}); choose one for the schedule",
            domain=error.domain,
            ids=ids,
        )
    if isinstance(error, PolicyError):
        return text_of(error)
    return Text("{error}; the log of the worker has the reason", error=type(error).__name__)


def _log(decided: _Decided, about: dict[str, object]) -> None:
    decision = decided.decision
    level = logging.WARNING if decision.outcome is ScheduleOutcome.ERROR else logging.INFO
    jobs = decided.stored.submitted.job_count if decided.stored else 0
    fields = {**about, "outcome": decision.outcome.value, "batch_id": decision.batch_id, "jobs": jobs}
    log.log(level, "occurrence of a schedule", extra=fields | ({"error": decision.error} if decision.error else {}))
