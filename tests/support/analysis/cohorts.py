"""Cohorts and snapshots with made-up facts for tests; no run is needed."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from gonemaster_db.analysis.capture import Capture, materialise
from gonemaster_db.analysis.column_views.capture import FileStorage
from gonemaster_db.analysis.columns.fact_files import to_table, write_facts_file
from gonemaster_db.analysis.columns.files import register_files
from gonemaster_db.analysis.columns.rows import RunOrigin, stored_row
from gonemaster_db.analysis.facts import RunFacts, write_facts
from gonemaster_db.analysis.snapshots import ensure_snapshot
from gonemaster_db.batches.batches import create_batch
from gonemaster_db.core.records import NewBatch
from gonemaster_db.core.session import Store
from gonemaster_db.domains.domains import ensure_domains
from gonemaster_db.models import Batch, Cohort, CohortSnapshot, FactStorage, Tag
from gonemaster_db.runs.causes import read_cause_sets
from gonemaster_db.runs.documents.caches import EntryType
from gonemaster_db.runs.documents.registry import kind_ids, kinds_by_id
from tests.support.rows import NOON


def make_cohort(store: Store, tag: str = "tld", *, now: datetime = NOON, **fields: Any) -> Cohort:
    """Create a cohort that is analysed and public by default."""
    with store.transaction() as session:
        if session.get(Tag, tag) is None:
            session.add(Tag(name=tag, created_at=now))
            session.flush()
        chosen = {"analysis_enabled": True, "public_enabled": True, "label": tag} | fields
        cohort = Cohort(source_tag=tag, created_at=now, updated_at=now, **chosen)
        session.add(cohort)
        session.flush()
        return cohort


def make_batch(store: Store, *, now: datetime = NOON, promote: bool = False, **fields: Any) -> Batch:
    """Create a batch with snapshot intent and no jobs."""
    with store.transaction() as session:
        batch = create_batch(session, NewBatch(0, snapshot_intent=True, **fields), now=now)
        batch.promote_snapshot = promote
        return batch


def domain_ids(store: Store, names: Iterable[str], *, now: datetime = NOON) -> dict[str, int]:
    with store.transaction() as session:
        return dict(ensure_domains(session, names, now=now))


def finding_kinds(store: Store, kinds: Iterable[tuple[str, str, str, str]]) -> list[int]:
    """Return the ids of entry kinds; each kind is (module, test case, tag, level)."""
    types = [EntryType(*kind) for kind in kinds]
    with store.transaction() as session:
        ids = kind_ids(session, types)
        return [ids[kind] for kind in types]


def made_facts(store: Store, names: Sequence[str], *, at: datetime = NOON, **fields: Any) -> list[RunFacts]:
    """Return facts of runs that do not exist, all with the same fields."""
    ids = domain_ids(store, names)
    chosen: dict[str, Any] = {"score": 95, "grade": "A", "worst_level": "INFO", "engine_version": "0.1.0"} | fields
    return [
        RunFacts(ids[name], name, run_key=ids[name], run_id=f"job_{name}"[:40], finished_at=at, **chosen)
        for name in names
    ]


def snapshot_of(
    store: Store,
    cohort: Cohort,
    facts: Sequence[RunFacts],
    *,
    batch: Batch | None = None,
    now: datetime = NOON,
    files: FileStorage | None = None,
) -> CohortSnapshot:
    """Create a snapshot with these facts, captured at `now`; its facts and view are in files if `files` is given."""
    snapshot_id = pending_snapshot(store, cohort, facts, batch=batch, now=now, files=files)
    assert materialise(store, snapshot_id, now=lambda: now, files=files) is Capture.CAPTURED
    return read_snapshot(store, snapshot_id)


def pending_snapshot(
    store: Store,
    cohort: Cohort,
    facts: Sequence[RunFacts],
    *,
    batch: Batch | None = None,
    now: datetime = NOON,
    files: FileStorage | None = None,
) -> int:
    """Create a snapshot with these facts that is not captured yet, and return its ID."""
    batch = batch or make_batch(store, now=now - timedelta(hours=1))
    with store.transaction() as session:
        snapshot = ensure_snapshot(session, cohort, batch, floor="NOTICE", now=now)
        snapshot.storage = FactStorage.ROWS if files is None else FactStorage.COLUMNS
    add_facts(store, snapshot.id, facts, files=files, now=now)
    return snapshot.id


def add_facts(
    store: Store, snapshot_id: int, facts: Sequence[RunFacts], *, files: FileStorage | None, now: datetime = NOON
) -> None:
    """Add facts to a snapshot as the projector does; they replace earlier ones of the same domains."""
    if files is None:
        with store.transaction() as session:
            write_facts(session, snapshot_id, facts)
            session.get_one(CohortSnapshot, snapshot_id).facts_revision += 1
        return
    with store.read_only() as session:
        sets = read_cause_sets(session, {run.cause_set_id for run in facts})
        kinds = kinds_by_id(session, {kind for run in facts for kind in run.kinds})
    rows = [
        stored_row(run, RunOrigin(None, 1000), sets.get(run.cause_set_id or 0), kinds, projected_at=now)
        for run in facts
    ]
    new = []
    if rows:
        keys = [run.run_key for run in facts]
        new = [write_facts_file(files.location, f"facts/snapshot={snapshot_id}", [to_table(rows)], run_keys=keys)]
    with store.transaction() as session:
        register_files(session, snapshot_id, new, now=now)
        session.get_one(CohortSnapshot, snapshot_id).facts_revision += 1


def read_snapshot(store: Store, snapshot_id: int) -> CohortSnapshot:
    with store.read_only() as session:
        found = session.get(CohortSnapshot, snapshot_id)
        assert found is not None
        return found
