"""Writes the rows of a run (run, outcome, document, domain) in the transaction that ends its job."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, NamedTuple, cast

from sqlalchemy import RowMapping, Table, and_, bindparam, case, or_, select
from sqlalchemy import insert as plain_insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gonemaster_db.core.bulk import insert_rows
from gonemaster_db.core.errors import StoreConflict
from gonemaster_db.core.failures import lacks_reference
from gonemaster_db.core.ids import batch_key
from gonemaster_db.core.json_text import clean_text, dump_json
from gonemaster_db.core.levels import count_severities, worst
from gonemaster_db.core.records import RunRecord
from gonemaster_db.core.upsert import insert, insert_into
from gonemaster_db.domains.domains import LATEST, OF_RUN_COUNT
from gonemaster_db.domains.tags import tag_domains
from gonemaster_db.models import Domain, DomainRunCount, EffectiveProfile, Run, RunDocument, RunStatus
from gonemaster_db.runs.counters import RunGroup, count_runs_in
from gonemaster_db.runs.documents.caches import after_commit, caches_of
from gonemaster_db.runs.documents.outcomes import ensure_outcomes, remembered_outcome
from gonemaster_db.runs.documents.run_document import encode_document
from gonemaster_db.runs.findings import findings_hash

KEPT = (
    "id", "public_id", "domain", "priority", "created_at", "started_at", "attempt", "worker", "profile", "profile_id",
    "profile_name", "config",
)  # fmt: skip  # columns that a run takes from its job
OF_RUN = (
    *KEPT, "batch_key", "domain_id", "outcome_id", "effective_profile_id", "status", "finished_at", "duration_ms",
    "error", "worst_level", "score", "grade", "entry_count", "sev_notice", "sev_warning", "sev_error", "sev_critical",
    "findings_hash",
)  # fmt: skip  # all columns that are written
OF_DOMAIN = ("name", "created_at", "run_count", *LATEST)
OF_DOCUMENT = ("run_key", "codec", "document")
_RUNS = cast("Table", Run.__table__)
# Built once: constructing a statement costs more than executing it.
_INSERT_RUN = plain_insert(_RUNS).values({name: bindparam(name) for name in OF_RUN}).returning(_RUNS.c.key)
_PROFILE_ID = select(EffectiveProfile.id).where(EffectiveProfile.digest == bindparam("digest"))


class References(NamedTuple):
    """Ids of rows that runs share."""

    outcome_id: int | None
    effective_profile_id: int | None


def write_run(session: Session, job: RowMapping, record: RunRecord) -> None:
    """Write the run of a job with what it found, update the copy in its domain, and count. `job` is its deleted row.

    Raises:
        StoreConflict: an outcome or profile that was in memory has been removed; a second try creates it again.
    """
    with references_checked(session):
        references = ensure_references(session, record)
        found = run_values(record)
        batch = None if job["batch_id"] is None else batch_key(job["batch_id"])
        row = {
            **{name: job[name] for name in KEPT},
            **found,
            **references._asdict(),
            "domain_id": _update_domain(session, job, record, references.outcome_id),
            "batch_key": batch,
            "duration_ms": _duration_ms(job["started_at"], record.finished_at),
        }
        key = session.connection().execute(_INSERT_RUN, row).scalar_one()
    if document := encode_document(record.entries, record.nameserver_timings, record.dnssec_chain):
        insert_rows(session, RunDocument, OF_DOCUMENT, [(key, *document)])
    join_tags(session, job["config"], row["domain_id"], record)
    count_runs_in(session, {RunGroup(batch, record.status, found["worst_level"], record.grade): 1})


def join_tags(session: Session, config: Mapping[str, Any], domain_id: int, record: RunRecord) -> None:
    """Let the domain join the tags that its job names."""
    if tags := config.get("tags"):
        tag_domains(session, tags, [domain_id], now=record.finished_at)


@contextmanager
def references_checked(session: Session) -> Iterator[None]:
    """Raise StoreConflict where a run refers to a row that this process remembers and that is gone."""
    caches = caches_of(session)
    forgettings = caches.forgettings
    try:
        yield
    except IntegrityError as error:
        # Perhaps maintenance has removed an outcome that this process remembers, or did until another thread met it.
        if lacks_reference(error) and (caches.forgettings != forgettings or caches.forget_references()):
            raise StoreConflict("a row that the run refers to was removed") from None
        raise


def ensure_references(session: Session, record: RunRecord) -> References:
    """Find or create what the run refers to."""
    (outcome_id,) = ensure_outcomes(session, [record.entries], now=record.finished_at)
    return References(outcome_id, _profile_id(session, record))


def remembered_references(session: Session, record: RunRecord) -> References | None:
    """Return the same from memory, without a statement; None if something has to be looked up."""
    outcomes = remembered_outcome(session, record.entries)
    profiles = _remembered_profile(session, record)
    return References(*outcomes, *profiles) if outcomes and profiles else None


def run_values(record: RunRecord) -> dict[str, Any]:
    """Return the columns of a run that its record alone determines."""
    levels = [entry.level for entry in record.entries]
    severities = {f"sev_{level.lower()}": number for level, number in count_severities(levels).items()}
    return {
        **severities,
        "status": record.status,
        "finished_at": record.finished_at,
        "error": clean_text(record.error),
        "worst_level": worst(levels),
        "score": record.score,
        "grade": record.grade,
        "entry_count": len(levels),
        "findings_hash": findings_hash(record.entries) if record.status is RunStatus.SUCCEEDED else None,
    }


def _duration_ms(started_at: datetime | None, finished_at: datetime) -> int | None:
    """Return whole milliseconds, never negative: clocks of two machines may differ."""
    if started_at is None:
        return None
    return max(0, round((finished_at - started_at).total_seconds() * 1000))


def _update_domain(session: Session, job: RowMapping, record: RunRecord, outcome_id: int | None) -> int:
    """Find or create the domain and copy the outcome of this run unless its own is newer; returns the domain's id."""
    values = {
        "name": job["domain"],
        "created_at": record.finished_at,
        "run_count": 1,
        "latest_run_id": job["id"],
        "latest_outcome_id": outcome_id,
        "latest_outcome_run_id": job["id"],
        "latest_run_at": record.finished_at,
        "latest_status": record.status,
        "latest_level": worst(entry.level for entry in record.entries),
        "latest_score": record.score,
        "latest_grade": record.grade,
    }
    connection = session.connection()
    dialect = connection.dialect.name
    domain_id = cast("int", connection.execute(_domain_upsert(dialect), values).scalar_one())
    connection.execute(_listing(dialect), {"domain_id": domain_id})
    return domain_id


@cache
def _domain_upsert(dialect: str) -> Any:
    return added_to_domain(insert_into(dialect, Domain).values({name: bindparam(name) for name in OF_DOMAIN}))


@cache
def _listing(dialect: str) -> Any:
    of_domain = select(Domain.id, Domain.run_count, Domain.name, Domain.latest_level)
    of_domain = of_domain.where(Domain.id == bindparam("domain_id"))
    return listed_by_run_count(insert_into(dialect, DomainRunCount).from_select(OF_RUN_COUNT, of_domain))


def added_to_domain(statement: Any) -> Any:
    """Let an insertion of a domain add to the one that is there, which shows the newest run; returns the id."""
    new = statement.excluded
    shown = or_(
        Domain.latest_run_id.is_(None),
        Domain.latest_run_at < new.latest_run_at,
        and_(Domain.latest_run_at == new.latest_run_at, Domain.latest_run_id < new.latest_run_id),
    )
    columns = {name: case((shown, new[name]), else_=getattr(Domain, name)) for name in LATEST}
    changed = {"run_count": Domain.run_count + new.run_count, **columns}
    return statement.on_conflict_do_update(index_elements=[Domain.name], set_=changed).returning(Domain.id)


def listed_by_run_count(statement: Any) -> Any:
    """Let an insertion into the list by number of runs replace what it says of a domain."""
    new = {name: statement.excluded[name] for name in ("run_count", "latest_level")}
    return statement.on_conflict_do_update(index_elements=[DomainRunCount.domain_id], set_=new)


def _profile_id(session: Session, record: RunRecord) -> int | None:
    """Return the id of the effective profile, stored if it is unknown; most runs share one."""
    if known := _remembered_profile(session, record):
        return known[0]
    document = _document(record)
    assert document is not None  # noqa: S101  # else it would be known that there is none
    digest, caches = _digest(document), caches_of(session)
    number = session.scalar(_PROFILE_ID, {"digest": digest})
    if number is None:
        row = {"digest": digest, "document": document, "created_at": record.finished_at}
        session.execute(insert(session, EffectiveProfile).on_conflict_do_nothing(), row)
        number = session.scalars(_PROFILE_ID, {"digest": digest}).one()
    after_commit(session, lambda: caches.profiles.add({digest: number}))
    return number


def _remembered_profile(session: Session, record: RunRecord) -> tuple[int | None] | None:
    document = _document(record)
    if document is None:
        return (None,)
    digest = _digest(document)
    number = caches_of(session).profiles.find({digest}).get(digest)
    return None if number is None else (number,)


@lru_cache(maxsize=16)
def _digest(document: str) -> str:
    return hashlib.sha256(document.encode()).hexdigest()


def _document(record: RunRecord) -> str | None:
    profile = record.effective_profile
    if profile is None:
        return None
    return clean_text(profile) if isinstance(profile, str) else dump_json(profile)
