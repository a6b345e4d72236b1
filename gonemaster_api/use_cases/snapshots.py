"""Changes of snapshots and cohort data, each with its audit record."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_api.errors import BadRequest, Conflict
from gonemaster_api.state import State
from gonemaster_db.analysis import rebuilding
from gonemaster_db.analysis import snapshots as rows
from gonemaster_db.analysis.cohorts import get_cohort
from gonemaster_db.batches.batches import ids_of_batches
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import InvalidSlug, MaterialisationRunning, SnapshotStateError, SourceRunsPurged
from gonemaster_db.service.audit import record_action
from gonemaster_engine.texts import Text, text_of
from gonemaster_tasks.control.batches import complete_batch
from gonemaster_tasks.control.submit import SubmittedBatch


def remove_cohort(state: State, cohort_id: int, *, who: str) -> None:
    """Delete a cohort with its facts and snapshots; keep its tag and runs. Raises CohortNotFound."""
    now = utcnow()

    def remove(session: Session) -> None:
        cohort = get_cohort(session, cohort_id, lock=True)
        tag = cohort.source_tag
        rebuilding.delete_cohort(session, cohort, now=now)
        record_action(session, "cohort.delete", who=who, now=now, target=tag, details={"cohort_id": cohort_id})

    state.store.run_in_transaction(remove)


def clear_cohort(state: State, cohort_id: int, *, who: str) -> int:
    """Remove facts and snapshots of a cohort; return the number of snapshots. Raises CohortNotFound."""
    now = utcnow()

    def clear(session: Session) -> int:
        cohort = get_cohort(session, cohort_id, lock=True)
        removed = rebuilding.clear_cohort(session, cohort, now=now)
        _note(session, "cohort.clear", cohort.source_tag, who, cohort_id, count=removed)
        return removed

    return state.store.run_in_transaction(clear)


def rebuild_cohort(state: State, cohort_id: int, *, who: str, force: bool = False) -> rebuilding.Rebuilding | None:
    """Start rebuilding facts and snapshots of a cohort; return None if a rebuild is running.

    Snapshots that lack runs are kept; `force` removes them.

    Raises:
        CohortNotFound: no such cohort.
        Conflict: cohort_analysis_disabled.
    """
    floor, now = state.settings.analysis_tag_view_min_level, utcnow()

    def rebuild(session: Session) -> rebuilding.Rebuilding | None:
        cohort = get_cohort(session, cohort_id, lock=True)
        if not cohort.analysis_enabled:
            raise Conflict("cohort_analysis_disabled", Text("analysis of the cohort is disabled; set analysis_enabled"))
        begun = rebuilding.rebuild_cohort(session, cohort, floor=floor, now=now, force=force)
        if begun is not None:
            action = "cohort.force_rebuild" if force else "cohort.rebuild"
            _note(session, action, cohort.source_tag, who, cohort_id, count=begun.runs, kept=sorted(begun.kept)[:100])
        return begun

    return state.store.run_in_transaction(rebuild)


def patch_snapshot(state: State, cohort_id: int, slug: str, changes: Mapping[str, Any], *, who: str) -> str:
    """Change a snapshot; return its slug.

    Raises:
        BadRequest: invalid_slug, invalid_status.
        SlugExists, CohortNotFound, SnapshotNotFound.
    """
    now = utcnow()

    def change(session: Session) -> str:
        cohort = get_cohort(session, cohort_id)
        changed = rows.change_snapshot(session, cohort_id, slug, changes, now=now)
        target = f"{cohort.source_tag}/{changed.slug}"
        _note(session, "snapshot.change", target, who, cohort_id, before=slug, changed=sorted(changes))
        return changed.slug

    try:
        return state.store.run_in_transaction(change)
    except InvalidSlug as error:
        raise BadRequest("invalid_slug", text_of(error)) from error
    except SnapshotStateError as error:
        raise BadRequest("invalid_status", text_of(error)) from error


def remove_snapshot(state: State, cohort_id: int, slug: str, *, purge: bool, who: str) -> None:
    """Retire a snapshot, or remove it with `purge`.

    Raises:
        BadRequest: invalid_status, because a snapshot that was never captured can only be purged.
        CohortNotFound, SnapshotNotFound.
    """
    if not purge:
        patch_snapshot(state, cohort_id, slug, {"status": "retired"}, who=who)
        return
    now = utcnow()

    def remove(session: Session) -> None:
        cohort = get_cohort(session, cohort_id)
        rows.purge_snapshot(session, cohort_id, slug, now=now)
        _note(session, "snapshot.purge", f"{cohort.source_tag}/{slug}", who, cohort_id)

    state.store.run_in_transaction(remove)


def rematerialise_snapshot(state: State, cohort_id: int, slug: str, *, who: str) -> None:
    """Start rebuilding the view of a snapshot from its runs.

    Raises:
        Conflict: source_runs_purged, materialization_running.
        CohortNotFound, SnapshotNotFound.
    """
    floor, now = state.settings.analysis_tag_view_min_level, utcnow()

    def begin(session: Session) -> None:
        cohort = get_cohort(session, cohort_id)
        rows.rematerialise(session, cohort_id, slug, floor=floor, now=now)
        _note(session, "snapshot.rematerialize", f"{cohort.source_tag}/{slug}", who, cohort_id)

    _begun(state, begin)


def repair_snapshot(state: State, cohort_id: int, slug: str, *, who: str) -> SubmittedBatch:
    """Queue tests of the members that have no result in a snapshot, as further jobs of its batch.

    Raises:
        NothingToRerun: each member has a result, or no run is left.
        CohortNotFound, SnapshotNotFound, BrokerUnavailable.
    """
    with state.store.read_only() as session:
        tag = get_cohort(session, cohort_id).source_tag
        snapshot = rows.get_snapshot(session, cohort_id, slug)
        batch_id = ids_of_batches(session, [snapshot.batch_key or 0]).get(snapshot.batch_key or 0, "")
    return complete_batch(state.queue, batch_id, tag, who=who)


def rematerialise_snapshots(state: State, cohort_id: int, *, who: str) -> int:
    """Start rebuilding all snapshots of a cohort whose runs are stored; return their number.

    Raises:
        Conflict: materialization_running.
        CohortNotFound: no such cohort.
    """
    floor, now = state.settings.analysis_tag_view_min_level, utcnow()

    def begin(session: Session) -> int:
        cohort = get_cohort(session, cohort_id)
        queued = rows.rematerialise_all(session, cohort_id, floor=floor, now=now)
        _note(session, "snapshot.rematerialize", cohort.source_tag, who, cohort_id, count=queued)
        return queued

    queued: int = _begun(state, begin)
    return queued


def _begun(state: State, begin: Any) -> Any:
    try:
        return state.store.run_in_transaction(begin)
    except SourceRunsPurged as error:
        raise Conflict("source_runs_purged", Text("{error}; its view is not rebuilt", error=text_of(error))) from error
    except MaterialisationRunning as error:
        raise Conflict("materialization_running", text_of(error)) from error


def _note(
    session: Session, action: str, target: str, who: str, cohort_id: int, *, count: int = 1, **details: Any
) -> None:
    about = {"cohort_id": cohort_id, **details}
    record_action(session, action, who=who, now=utcnow(), target=target, count=count, details=about)
