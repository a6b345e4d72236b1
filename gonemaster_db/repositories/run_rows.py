"""Writes the rows of a run (run, entries, chain, domain) in the transaction that ends its job."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import RowMapping, and_, bindparam, case, or_, select
from sqlalchemy.orm import Session

from gonemaster_db.bulk import insert_rows
from gonemaster_db.json_text import clean_text, dump_json
from gonemaster_db.levels import count_severities, worst
from gonemaster_db.models import DnssecChain, Domain, EffectiveProfile, Entry, Run, RunStatus
from gonemaster_db.records import RunRecord
from gonemaster_db.repositories.findings import findings_hash
from gonemaster_db.repositories.tags import tag_domains
from gonemaster_db.upsert import insert, insert_into

KEPT = (
    "id", "public_id", "domain", "batch_id", "priority", "created_at", "started_at", "attempt", "worker",
    "profile", "profile_id", "profile_name", "config",
)  # fmt: skip  # columns that a run takes from its job
_FOUND = (
    "domain_id", "status", "finished_at", "duration_ms", "error", "worst_level", "score", "grade", "entry_count",
    "sev_notice", "sev_warning", "sev_error", "sev_critical", "effective_profile_digest", "nameserver_timings",
    "findings_hash",
)  # fmt: skip
_ENTRY = ("run_id", "domain_id", "timestamp", "module", "testcase", "tag", "level", "args")
_KNOWN_PROFILE = select(EffectiveProfile.digest).where(EffectiveProfile.digest == bindparam("digest")).exists()


def write_run(session: Session, job: RowMapping, record: RunRecord) -> None:
    """Write the run of a job with entries and chain, and update the copy in its domain. `job` is its deleted row."""
    document = _document(record)
    digest = None if document is None else hashlib.sha256(document.encode()).hexdigest()
    domain_id, is_known = _update_domain(session, job, record, digest)
    if digest is not None and not is_known:  # most runs share one
        row = {"digest": digest, "document": document, "created_at": record.finished_at}
        session.execute(insert(session, EffectiveProfile).on_conflict_do_nothing(), row)
    insert_rows(session, Run, KEPT + _FOUND, [_run_row(job, record, domain_id, digest)])
    if record.entries:
        insert_rows(session, Entry, _ENTRY, _entry_rows(job["id"], domain_id, record))
    if record.dnssec_chain is not None:
        insert_rows(session, DnssecChain, ("run_id", "chain"), [(job["id"], record.dnssec_chain)])
    if tags := job["config"].get("tags"):
        tag_domains(session, tags, [domain_id], now=record.finished_at)


def _run_row(job: RowMapping, record: RunRecord, domain_id: int, digest: str | None) -> tuple[object, ...]:
    levels = [entry.level for entry in record.entries]
    return (
        *(job[name] for name in KEPT),
        domain_id,
        record.status,
        record.finished_at,
        _duration_ms(job["started_at"], record.finished_at),
        clean_text(record.error),
        worst(levels),
        record.score,
        record.grade,
        len(levels),
        *count_severities(levels).values(),
        digest,
        record.nameserver_timings,
        findings_hash(record.entries) if record.status is RunStatus.SUCCEEDED else None,
    )


def _duration_ms(started_at: datetime | None, finished_at: datetime) -> int | None:
    """Return whole milliseconds, never negative: clocks of two machines may differ."""
    if started_at is None:
        return None
    return max(0, round((finished_at - started_at).total_seconds() * 1000))


def _entry_rows(run_id: str, domain_id: int, record: RunRecord) -> Iterator[tuple[object, ...]]:
    for entry in record.entries:
        yield (run_id, domain_id, entry.timestamp, entry.module, entry.testcase, entry.tag, entry.level, entry.args)


def _update_domain(session: Session, job: RowMapping, record: RunRecord, digest: str | None) -> tuple[int, bool]:
    """Find or create the domain and copy the outcome of this run unless its own is newer.

    Returns the id of the domain, and whether the effective profile with this digest is stored: to ask for it here
    saves a round trip.
    """
    values = {
        "name": job["domain"],
        "created_at": record.finished_at,
        "run_count": 1,
        "latest_run_id": job["id"],
        "latest_run_at": record.finished_at,
        "latest_status": record.status,
        "latest_level": worst(entry.level for entry in record.entries),
        "latest_score": record.score,
        "latest_grade": record.grade,
        "digest": digest,
    }
    connection = session.connection()
    domain_id, is_known = connection.execute(_domain_upsert(connection.dialect.name), values).one()
    return domain_id, is_known


@cache
def _domain_upsert(dialect: str) -> Any:
    """Build the statement once: constructing it costs more than executing it."""
    statement = insert_into(dialect, Domain)
    new = statement.excluded
    shown = or_(
        Domain.latest_run_id.is_(None),
        Domain.latest_run_at < new.latest_run_at,
        and_(Domain.latest_run_at == new.latest_run_at, Domain.latest_run_id < new.latest_run_id),
    )
    latest = ("latest_run_id", "latest_run_at", "latest_status", "latest_level", "latest_score", "latest_grade")
    columns = {name: case((shown, new[name]), else_=getattr(Domain, name)) for name in latest}
    return statement.on_conflict_do_update(
        index_elements=[Domain.name], set_={"run_count": Domain.run_count + new.run_count, **columns}
    ).returning(Domain.id, _KNOWN_PROFILE)


def _document(record: RunRecord) -> str | None:
    profile = record.effective_profile
    return profile if profile is None or isinstance(profile, str) else dump_json(profile)
