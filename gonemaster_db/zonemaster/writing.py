"""Writes imported batches and runs. Their IDs are derived from the source, so that nothing is imported twice."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from gonemaster_db.core.bulk import insert_rows
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.ids import batch_key, id_at
from gonemaster_db.core.records import RunRecord
from gonemaster_db.core.upsert import insert
from gonemaster_db.domains.domains import ensure_domains, refresh_domains
from gonemaster_db.models import Batch, BatchOrigin, Run, RunDocument
from gonemaster_db.runs.causes import ensure_cause_set
from gonemaster_db.runs.counters import RunGroup, count_runs_in
from gonemaster_db.runs.documents.caches import EntryType
from gonemaster_db.runs.documents.outcomes import outcomes_of_kinds
from gonemaster_db.runs.documents.run_document import TimedArguments, encode_document
from gonemaster_db.runs.run_rows import KEPT, duration_ms, policy_values, references_checked, run_values
from gonemaster_db.zonemaster.source import SourceBatch

_KEY_STEP = 62**8  # the first two random digits of a batch ID are part of its key


def run_id_of(hash_id: str, created_at: datetime) -> str:
    """Return the ID of the run of a test."""
    return id_at("job", created_at, int.from_bytes(hash_id.encode()[-16:]))


def batch_id_of(batch: SourceBatch) -> str:
    """Return the ID of the batch that a batch becomes."""
    return id_at("batch", batch.created_at, batch.number * _KEY_STEP)


def write_batch(session: Session, batch: SourceBatch) -> bool:
    """Create a batch unless it exists; return whether it is new."""
    batch_id = batch_id_of(batch)
    row = {
        "id": batch_id,
        "key": batch_key(batch_id),
        "tag": "",
        "tags": "",
        "created_at": batch.created_at,
        "domain_count": batch.tests,
        "name": f"Zonemaster batch {batch.number}",
        "description": f"imported from Zonemaster-Backend; user {batch.username}",
        "snapshot_intent": False,
        "promote_snapshot": False,
        "origin": BatchOrigin.MANUAL,
    }
    return session.scalar(insert(session, Batch).values(row).on_conflict_do_nothing().returning(Batch.key)) is not None


def find_runs(session: Session, run_ids: Collection[str]) -> set[str]:
    """Return the IDs that exist."""
    return set(session.scalars(select(Run.id).where(Run.id.in_(run_ids))))


class PreparedRun(NamedTuple):
    """A run in the form in which it is stored, except for the references to other rows."""

    values: dict[str, Any]  # columns
    batch_id: str | None
    kinds: list[EntryType]
    causes: tuple[str, ...] | None
    document: tuple[int, bytes] | None


def prepare_run(
    job: Mapping[str, Any], record: RunRecord, kinds: list[EntryType], entries: Sequence[TimedArguments]
) -> PreparedRun:
    """Compute what needs no database; other processes do this. `job` has the columns that a run takes from its job.

    The record has no entries: their kinds, and their times and arguments are given separately, because most runs of a
    database share their kinds.
    """
    values = {
        **{name: job[name] for name in KEPT},
        **run_values(record, kinds),
        "effective_profile_id": None,
        **policy_values(job["config"], record),
        "duration_ms": duration_ms(job["started_at"], record.finished_at),
    }
    causes = None if record.causes is None else tuple(sorted(record.causes))
    return PreparedRun(values, job["batch_id"], kinds, causes, encode_document(entries, None, None))


def write_runs(session: Session, runs: Sequence[PreparedRun]) -> int:
    """Write runs, except those that exist, with one statement for each table; return the number of new runs.

    Raises: StoreConflict: A cached outcome was removed; a retry creates it again.
    """
    known = find_runs(session, [run.values["id"] for run in runs])
    fresh = [run for run in runs if run.values["id"] not in known]
    if not fresh:
        return 0
    with references_checked(session):
        outcomes = outcomes_of_kinds(session, [run.kinds for run in fresh], now=utcnow())
        cause_sets = {causes: ensure_cause_set(session, causes) for causes in {run.causes for run in fresh}}
        first = min(run.values["finished_at"] for run in fresh)
        domain_ids = ensure_domains(session, (run.values["domain"] for run in fresh), now=first)
        rows = [
            run.values
            | {
                "outcome_id": outcome,
                "cause_set_id": cause_sets[run.causes],
                "domain_id": domain_ids[run.values["domain"]],
                "batch_key": _key(run),
            }
            for run, outcome in zip(fresh, outcomes, strict=True)
        ]
        insert_rows(session, Run, list(rows[0]), (list(row.values()) for row in rows))
    written = select(Run.id, Run.key).where(Run.id.in_([row["id"] for row in rows]))
    keys = {row.id: row.key for row in session.execute(written)}
    documents = [(keys[run.values["id"]], *run.document) for run in fresh if run.document]
    insert_rows(session, RunDocument, ("run_key", "codec", "document"), documents)
    refresh_domains(session, domain_ids.values())
    groups = (RunGroup(_key(run), *(run.values[name] for name in ("status", "worst_level", "grade"))) for run in fresh)
    count_runs_in(session, Counter(groups))
    return len(fresh)


def _key(run: PreparedRun) -> int | None:
    return None if run.batch_id is None else batch_key(run.batch_id)
