"""Writes the rows of runs (run, outcome, document, domain), for several jobs at once."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, cast

from sqlalchemy import RowMapping, Table, and_, bindparam, case, or_, select
from sqlalchemy import insert as plain_insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gonemaster_db.bulk import insert_rows
from gonemaster_db.documents.caches import after_commit, caches_of
from gonemaster_db.documents.outcomes import ensure_outcomes
from gonemaster_db.documents.run_document import encode_document
from gonemaster_db.errors import StoreConflict
from gonemaster_db.failures import lacks_reference
from gonemaster_db.ids import batch_key
from gonemaster_db.json_text import clean_text, dump_json
from gonemaster_db.levels import count_severities, worst
from gonemaster_db.models import Domain, EffectiveProfile, Run, RunDocument, RunStatus
from gonemaster_db.records import RunRecord
from gonemaster_db.repositories.counters import RunGroup, count_runs_in
from gonemaster_db.repositories.findings import findings_hash
from gonemaster_db.repositories.tags import tag_domains
from gonemaster_db.upsert import insert, insert_into

Ending = tuple[RowMapping, RunRecord]  # the row of the deleted job, and its result
KEPT = (
    "id", "public_id", "domain", "priority", "created_at", "started_at", "attempt", "worker", "profile", "profile_id",
    "profile_name", "config",
)  # fmt: skip  # columns that a run takes from its job
_RUNS = cast("Table", Run.__table__)
_INSERT_RUNS = plain_insert(_RUNS).returning(_RUNS.c.key, _RUNS.c.id)
_PROFILE = "effective_profile_id"
_DOCUMENT = ("run_key", "codec", "document")
_DOMAINS = cast("Table", Domain.__table__)
# Built once: constructing a statement costs more than executing it.
_LOCK_DOMAINS = (
    select(_DOMAINS.c.id)
    .where(_DOMAINS.c.name.in_(bindparam("names", expanding=True)))
    .order_by(_DOMAINS.c.id)
    .with_for_update(key_share=True)
)
_KNOWN_PROFILES = select(EffectiveProfile.digest, EffectiveProfile.id).where(
    EffectiveProfile.digest.in_(bindparam("wanted", expanding=True))
)


def write_runs(session: Session, endings: Sequence[Ending]) -> None:
    """Write runs with what they found, update the copies in their domains, and count.

    Raises:
        StoreConflict: an outcome or profile that was in memory has been removed; a second try creates it again.
    """
    if not endings:
        return
    domain_ids = _update_domains(session, endings)
    now = endings[0][1].finished_at
    profiles = _ensure_profiles(session, endings)
    outcomes = ensure_outcomes(session, [record.entries for _, record in endings], now=now)
    rows = [
        _run_row(job, record) | {"domain_id": domain_ids[job["domain"]], "outcome_id": outcome, _PROFILE: profile}
        for (job, record), outcome, profile in zip(endings, outcomes, profiles, strict=True)
    ]
    keys = _insert_runs(session, rows)
    documents = [(keys[job["id"]], *made) for job, record in endings if (made := _document_of(record))]
    if documents:
        insert_rows(session, RunDocument, _DOCUMENT, documents)
    _tag(session, endings, domain_ids)
    count_runs_in(session, Counter(map(_group, rows)))


def _insert_runs(session: Session, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Insert runs; returns their keys by id."""
    try:
        return {run_id: key for key, run_id in session.connection().execute(_INSERT_RUNS, rows)}
    except IntegrityError as error:
        # Perhaps maintenance has removed an outcome that this process remembers.
        if lacks_reference(error) and caches_of(session).forget_references():
            raise StoreConflict("a row that runs refer to was removed") from None
        raise


def _run_row(job: RowMapping, record: RunRecord) -> dict[str, Any]:
    levels = [entry.level for entry in record.entries]
    severities = {f"sev_{level.lower()}": number for level, number in count_severities(levels).items()}
    return {
        **{name: job[name] for name in KEPT},
        **severities,
        "batch_key": None if job["batch_id"] is None else batch_key(job["batch_id"]),
        "status": record.status,
        "finished_at": record.finished_at,
        "duration_ms": _duration_ms(job["started_at"], record.finished_at),
        "error": clean_text(record.error),
        "worst_level": worst(levels),
        "score": record.score,
        "grade": record.grade,
        "entry_count": len(levels),
        "findings_hash": findings_hash(record.entries) if record.status is RunStatus.SUCCEEDED else None,
    }


def _group(row: Mapping[str, Any]) -> RunGroup:
    return RunGroup(row["batch_key"], row["status"], row["worst_level"], row["grade"])


def _document_of(record: RunRecord) -> tuple[int, bytes] | None:
    return encode_document(record.entries, record.nameserver_timings, record.dnssec_chain)


def _duration_ms(started_at: datetime | None, finished_at: datetime) -> int | None:
    """Return whole milliseconds, never negative: clocks of two machines may differ."""
    if started_at is None:
        return None
    return max(0, round((finished_at - started_at).total_seconds() * 1000))


def _update_domains(session: Session, endings: Sequence[Ending]) -> dict[str, int]:
    """Find or create the domains and copy the outcome of these runs unless theirs is newer; returns ids by name."""
    rows = _domain_rows(endings)
    connection = session.connection()
    if len(rows) > 1:  # in order of id, the order of every multi-row lock
        connection.execute(_LOCK_DOMAINS, {"names": [row["name"] for row in rows]})
    upserted = connection.execute(_domain_upsert(connection.dialect.name), rows)
    return {name: key for key, name in upserted}


def _domain_rows(endings: Sequence[Ending]) -> list[dict[str, Any]]:
    """Return one row for each domain with its newest run, in order of name."""
    counts = Counter(job["domain"] for job, _ in endings)
    newest = {job["domain"]: (job, record) for job, record in sorted(endings, key=_age)}
    return [_domain_row(*newest[name], runs=counts[name]) for name in sorted(newest)]


def _age(ending: Ending) -> tuple[datetime, str]:
    job, record = ending
    return record.finished_at, job["id"]


def _domain_row(job: RowMapping, record: RunRecord, *, runs: int) -> dict[str, Any]:
    return {
        "name": job["domain"],
        "created_at": record.finished_at,
        "run_count": runs,
        "latest_run_id": job["id"],
        "latest_run_at": record.finished_at,
        "latest_status": record.status,
        "latest_level": worst(entry.level for entry in record.entries),
        "latest_score": record.score,
        "latest_grade": record.grade,
    }


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
    ).returning(Domain.id, Domain.name)


def _ensure_profiles(session: Session, endings: Sequence[Ending]) -> list[int | None]:
    """Store unknown effective profiles (most runs share one); returns the id of each run's profile."""
    documents = [_document(record) for _, record in endings]
    digests = [None if text is None else hashlib.sha256(text.encode()).hexdigest() for text in documents]
    wanted = {digest: number for number, digest in enumerate(digests) if digest is not None}
    caches = caches_of(session)
    known = caches.profiles.find(set(wanted))
    if wanted.keys() - known.keys():
        for digest in sorted(wanted.keys() - _read_profiles(session, wanted).keys()):
            number = wanted[digest]
            row = {"digest": digest, "document": documents[number], "created_at": endings[number][1].finished_at}
            session.execute(insert(session, EffectiveProfile).on_conflict_do_nothing(), row)
        found = _read_profiles(session, wanted)
        after_commit(session, lambda: caches.profiles.add(found))
        known |= found
    return [None if digest is None else known[digest] for digest in digests]


def _read_profiles(session: Session, digests: Iterable[str]) -> dict[str, int]:
    rows = session.connection().execute(_KNOWN_PROFILES, {"wanted": sorted(digests)})
    return {row.digest: row.id for row in rows}


def _document(record: RunRecord) -> str | None:
    profile = record.effective_profile
    return profile if profile is None or isinstance(profile, str) else dump_json(profile)


def _tag(session: Session, endings: Sequence[Ending], domain_ids: Mapping[str, int]) -> None:
    """Add the domains to the tags that their jobs list."""
    tagged: dict[tuple[str, ...], dict[int, datetime]] = defaultdict(dict)
    for job, record in endings:
        if tags := job["config"].get("tags"):
            tagged[tuple(tags)][domain_ids[job["domain"]]] = record.finished_at
    for tags, members in sorted(tagged.items()):
        tag_domains(session, tags, members, now=max(members.values()))
