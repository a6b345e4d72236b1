"""Writes the rows of runs (run, entries, chain, domain), for several jobs at once."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, cast

from sqlalchemy import RowMapping, Table, and_, bindparam, case, or_, select
from sqlalchemy.orm import Session

from gonemaster_db.bulk import insert_rows
from gonemaster_db.json_text import clean_text, dump_json
from gonemaster_db.levels import count_severities, worst
from gonemaster_db.models import DnssecChain, Domain, EffectiveProfile, Entry, Run, RunStatus
from gonemaster_db.records import RunRecord
from gonemaster_db.repositories.findings import findings_hash
from gonemaster_db.repositories.tags import tag_domains
from gonemaster_db.upsert import insert, insert_into

Ending = tuple[RowMapping, RunRecord]  # the row of the deleted job, and its result
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
_DOMAINS = cast("Table", Domain.__table__)
# Built once: constructing a statement costs more than executing it.
_LOCK_DOMAINS = (
    select(_DOMAINS.c.id)
    .where(_DOMAINS.c.name.in_(bindparam("names", expanding=True)))
    .order_by(_DOMAINS.c.id)
    .with_for_update(key_share=True)
)
_KNOWN_PROFILES = select(EffectiveProfile.digest).where(
    EffectiveProfile.digest.in_(bindparam("wanted", expanding=True))
)


def write_runs(session: Session, endings: Sequence[Ending]) -> None:
    """Write runs with entries and chains, and update the copies in their domains."""
    if not endings:
        return
    domain_ids = _update_domains(session, endings)
    digests = _keep_profiles(session, endings)
    rows = (
        _run_row(job, record, domain_ids[job["domain"]], digest)
        for (job, record), digest in zip(endings, digests, strict=True)
    )
    insert_rows(session, Run, KEPT + _FOUND, rows)
    if any(record.entries for _, record in endings):
        insert_rows(session, Entry, _ENTRY, _entry_rows(endings, domain_ids))
    chains = [(job["id"], record.dnssec_chain) for job, record in endings if record.dnssec_chain is not None]
    if chains:
        insert_rows(session, DnssecChain, ("run_id", "chain"), chains)
    _tag(session, endings, domain_ids)


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


def _entry_rows(endings: Sequence[Ending], domain_ids: Mapping[str, int]) -> Iterator[tuple[object, ...]]:
    for job, record in endings:
        run_id, domain_id = job["id"], domain_ids[job["domain"]]
        for entry in record.entries:
            yield (
                run_id, domain_id, entry.timestamp, entry.module, entry.testcase, entry.tag, entry.level, entry.args,
            )  # fmt: skip


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


def _keep_profiles(session: Session, endings: Sequence[Ending]) -> list[str | None]:
    """Store unknown effective profiles (most runs share one); returns the digest of each run's profile."""
    documents = [_document(record) for _, record in endings]
    digests = [None if text is None else hashlib.sha256(text.encode()).hexdigest() for text in documents]
    wanted = {digest: number for number, digest in enumerate(digests) if digest is not None}
    if wanted:
        known = session.connection().execute(_KNOWN_PROFILES, {"wanted": sorted(wanted)}).scalars()
        for digest in sorted(wanted.keys() - set(known)):
            number = wanted[digest]
            row = {"digest": digest, "document": documents[number], "created_at": endings[number][1].finished_at}
            session.execute(insert(session, EffectiveProfile).on_conflict_do_nothing(), row)
    return digests


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
