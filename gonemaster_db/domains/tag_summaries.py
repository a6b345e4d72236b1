"""Summaries of tags: counts of the newest runs of their domains.

Counting a large tag takes a long time. A maintenance task therefore counts large tags once a minute if anything has
changed, and readers use the stored counts.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from gonemaster_db.core.session import Store
from gonemaster_db.core.upsert import insert
from gonemaster_db.models import Domain, DomainTag, Run, StoredTagSummary, Tag
from gonemaster_db.runs.counters import read_counts

LARGE = 20_000  # domains; smaller tags are counted on request
# Stored counts expire if the maintenance task has not confirmed them for this long; tags are then counted on request.
VALID_FOR = timedelta(minutes=5)
_COUNTS = ("domain_count", "ok", "notice", "warning", "error", "critical", "grades")
_NO_SYNC = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class TagSummary:
    """Counts of the newest runs of a tag's domains by level (`ok` is below NOTICE) and by grade."""

    tag: str
    domain_count: int
    ok: int
    notice: int
    warning: int
    error: int
    critical: int
    grades: Mapping[str, int]


def count_newest(session: Session, name: str) -> TagSummary:
    """Count the newest runs of the tag's domains; a domain that was never tested is `ok`."""
    members = select(DomainTag.domain_id).where(DomainTag.tag == name)
    columns = (Domain.latest_rank, Domain.latest_grade)
    by_rank: Counter[int] = Counter()
    grades: Counter[str] = Counter()
    counted = select(*columns, func.count()).where(Domain.id.in_(members)).group_by(*columns)
    for rank, grade, number in session.execute(counted):
        by_rank[rank] += number
        if grade is not None:
            grades[grade] += number
    ok, notice, warning, error, critical = (by_rank[rank] for rank in range(5))
    return TagSummary(name, by_rank.total(), ok, notice, warning, error, critical, grades)


def stored_summaries(session: Session, names: Sequence[str], *, now: datetime) -> dict[str, TagSummary]:
    """Return the stored summaries of large tags; empty if the maintenance task is not running."""
    query = select(StoredTagSummary).where(
        StoredTagSummary.tag.in_(names), StoredTagSummary.checked_at > now - VALID_FOR
    )
    return {
        stored.tag: TagSummary(stored.tag, **{name: getattr(stored, name) for name in _COUNTS})
        for stored in session.scalars(query)
    }


def update_summaries(
    store: Store, *, now: Callable[[], datetime], stopped: Callable[[], bool] = lambda: False, large: int = LARGE
) -> int:
    """Count the changed tags with more than `large` domains, and store the counts; return the number of tags."""
    with store.read_only() as session:
        signatures = _signatures(session, large)
        stored = {tag: bytes(signature) for tag, signature in session.execute(_KEPT)}
    due = [tag for tag, signature in signatures.items() if stored.get(tag) != signature]
    counted: list[str] = []
    for tag in due:
        if stopped():
            break
        with store.read_only() as session:
            summary = count_newest(session, tag)
        store.run_in_transaction(partial(_keep, summary=summary, signature=signatures[tag], now=now()))
        counted.append(tag)
    unchanged, small = sorted(signatures.keys() - due), sorted(stored.keys() - signatures.keys())
    if unchanged or small:
        store.run_in_transaction(partial(_note, unchanged=unchanged, small=small, now=now()))
    return len(counted)


_KEPT = select(StoredTagSummary.tag, StoredTagSummary.signature)


def _signatures(session: Session, large: int) -> dict[str, bytes]:
    """Return a digest for each large tag that changes with its domains and with each stored or deleted run."""
    counts = sorted(repr(group) + str(number) for group, number in read_counts(session).items())
    runs = repr((counts, session.scalar(select(func.max(Run.key)))))
    members = select(DomainTag.tag, func.count(), func.sum(DomainTag.domain_id)).group_by(DomainTag.tag)
    return {
        tag: hashlib.blake2b(f"{number} {ids} {runs}".encode(), digest_size=16).digest()
        for tag, number, ids in session.execute(members.having(func.count() > large))
    }


def _keep(session: Session, *, summary: TagSummary, signature: bytes, now: datetime) -> None:
    if (
        session.scalar(select(Tag.name).where(Tag.name == summary.tag).with_for_update(read=True, key_share=True))
        is None
    ):
        return  # The tag was deleted in the meantime.
    row = {name: getattr(summary, name) for name in _COUNTS} | {"signature": signature, "checked_at": now}
    row["grades"] = dict(summary.grades)
    stored = insert(session, StoredTagSummary).values(tag=summary.tag, **row)
    session.execute(stored.on_conflict_do_update(index_elements=[StoredTagSummary.tag], set_=row))


def _note(session: Session, *, unchanged: Sequence[str], small: Sequence[str], now: datetime) -> None:
    """Confirm the unchanged counts, and remove the counts of tags that are small enough to be counted on request."""
    checked = update(StoredTagSummary).where(StoredTagSummary.tag.in_(unchanged)).values(checked_at=now)
    session.execute(checked, execution_options=_NO_SYNC)
    session.execute(delete(StoredTagSummary).where(StoredTagSummary.tag.in_(small)), execution_options=_NO_SYNC)
