"""Cohorts and snapshots with made-up facts for tests; no run is needed."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from gonemaster_db.analysis.capture import Capture, materialise
from gonemaster_db.analysis.facts import RunFacts, write_facts
from gonemaster_db.analysis.snapshots import ensure_snapshot
from gonemaster_db.batches.batches import create_batch
from gonemaster_db.core.records import NewBatch
from gonemaster_db.core.session import Store
from gonemaster_db.domains.domains import ensure_domains
from gonemaster_db.models import Batch, Cohort, CohortSnapshot, Tag
from gonemaster_db.runs.documents.caches import EntryType
from gonemaster_db.runs.documents.registry import kind_ids
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
    store: Store, cohort: Cohort, facts: Sequence[RunFacts], *, batch: Batch | None = None, now: datetime = NOON
) -> CohortSnapshot:
    """Create a snapshot with these facts, captured at `now`."""
    batch = batch or make_batch(store, now=now - timedelta(hours=1))
    with store.transaction() as session:
        snapshot = ensure_snapshot(session, cohort, batch, floor="NOTICE", now=now)
        write_facts(session, snapshot.id, facts)
        snapshot.facts_revision += 1
    assert materialise(store, snapshot.id, now=lambda: now) is Capture.CAPTURED
    return read_snapshot(store, snapshot.id)


def read_snapshot(store: Store, snapshot_id: int) -> CohortSnapshot:
    with store.read_only() as session:
        found = session.get(CohortSnapshot, snapshot_id)
        assert found is not None
        return found
