"""Outcomes: the sequences of entry kinds of runs, found or created by digest."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar, cast

from sqlalchemy import Table, bindparam, select
from sqlalchemy.orm import Session

from gonemaster_db.core.base import Base
from gonemaster_db.core.bulk import insert_rows
from gonemaster_db.core.chunks import chunks
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.core.upsert import insert
from gonemaster_db.models import ModuleOutcome, ModuleOutcomeKind, Outcome, OutcomeModule
from gonemaster_db.runs.documents.caches import EntryType, after_commit, caches_of, has_created, mark_created
from gonemaster_db.runs.documents.packing import digest_of, pack, unpack
from gonemaster_db.runs.documents.registry import kind_ids

T = TypeVar("T", Outcome, ModuleOutcome)
AT_A_TIME = 5000
_OUTCOMES = cast("Table", Outcome.__table__)
_SEQUENCES = select(_OUTCOMES.c.id, _OUTCOMES.c.kinds).where(_OUTCOMES.c.id.in_(bindparam("wanted", expanding=True)))


def ensure_outcomes(session: Session, runs: Sequence[Sequence[EntryRecord]], *, now: datetime) -> list[int | None]:
    """Find or create the outcomes of runs; return an ID for each run, None for a run without entries."""
    return outcomes_of_kinds(session, [[_kind(entry) for entry in entries] for entries in runs], now=now)


def outcomes_of_kinds(session: Session, kinds: Sequence[Sequence[EntryType]], *, now: datetime) -> list[int | None]:
    """Find or create outcomes by the kinds of their entries; return an ID for each, None for one without entries."""
    ids = kind_ids(session, {kind for run in kinds for kind in run})
    sequences = [pack([ids[kind] for kind in run]) for run in kinds]
    caches = caches_of(session)
    by_digest = {digest_of(packed): packed for packed in sequences if packed}
    known = caches.outcomes.find(set(by_digest))
    if missing := {digest: packed for digest, packed in by_digest.items() if digest not in known}:
        found = _create(session, missing, modules={number: kind.module for kind, number in ids.items()}, now=now)
        after_commit(session, lambda: caches.outcomes.add(found))
        known |= found
    return [known[digest_of(packed)] if packed else None for packed in sequences]


def sequences_of(session: Session, outcome_ids: Iterable[int | None]) -> dict[int, tuple[int, ...]]:
    """Return the entry kinds of outcomes in order; None (a run without entries) is skipped."""
    present = {number for number in outcome_ids if number is not None}
    return {number: tuple(map(ord, text)) for number, text in _texts_of(session, present).items()}


def count_entries(session: Session, kinds: Collection[int], outcome_ids: Collection[int]) -> dict[int, int]:
    """Count the entries of these kinds in outcomes; outcomes without such entries are absent."""
    count = _counter(kinds)
    counted = {number: count(text) for number, text in _texts_of(session, set(outcome_ids)).items()}
    return {number: entries for number, entries in counted.items() if entries}


def _counter(kinds: Collection[int]) -> Callable[[str], int]:
    """Return a function that counts the characters of these kinds."""
    if len(kinds) == 1:
        (only,) = map(chr, kinds)
        return lambda text: text.count(only)
    # Much faster than translate() if few entries match, and not slower if most of them do.
    chosen = re.compile("[" + "".join(re.escape(chr(kind)) for kind in kinds) + "]")
    return lambda text: len(chosen.findall(text))


def _texts_of(session: Session, outcome_ids: set[int]) -> dict[int, str]:
    """Return the entry kinds of outcomes as characters."""
    caches = caches_of(session)
    found = caches.sequences.find(outcome_ids)
    for chunk in chunks(sorted(outcome_ids - found.keys()), AT_A_TIME):
        rows = session.connection().execute(_SEQUENCES, {"wanted": chunk})
        read = {number: bytes(packed).decode("utf-8", "surrogatepass") for number, packed in rows}
        if not has_created(session):
            caches.sequences.add(read)
        found |= read
    return found


def _kind(entry: EntryRecord) -> EntryType:
    return EntryType(entry.module, entry.testcase, entry.tag, entry.level)


def _create(
    session: Session, packed: Mapping[bytes, bytes], *, modules: Mapping[int, str], now: datetime
) -> dict[bytes, int]:
    """Find or create outcomes with their modules; return IDs by digest. `modules` maps kinds to modules."""
    found = _lock(session, Outcome, packed)
    missing = {digest: packed[digest] for digest in sorted(packed.keys() - found.keys())}
    if not missing:
        return found
    mark_created(session)
    parts = {digest: _by_module(unpack(kinds), modules) for digest, kinds in missing.items()}
    module_ids = _ensure_modules(session, {part for digests in parts.values() for part in digests})
    rows = [{"digest": digest, "kinds": kinds, "created_at": now} for digest, kinds in missing.items()]
    created = _insert(session, Outcome, rows)
    pairs = ((module_ids[part], number) for digest, number in created.items() for part in parts[digest])
    insert_rows(session, OutcomeModule, ("module_outcome_id", "outcome_id"), sorted(pairs))
    found |= created
    return found if len(found) == len(packed) else found | _lock(session, Outcome, packed)


def _by_module(kinds: Sequence[int], modules: Mapping[int, str]) -> list[bytes]:
    """Return the packed kinds of each module, sorted."""
    parts: dict[str, list[int]] = defaultdict(list)
    for number in sorted(kinds):
        parts[modules[number]].append(number)
    return [pack(part) for part in parts.values()]


def _ensure_modules(session: Session, parts: Collection[bytes]) -> dict[bytes, int]:
    """Find or create outcomes of modules; return IDs by packed kinds."""
    by_digest = {digest_of(part): part for part in parts}
    found = _lock(session, ModuleOutcome, by_digest)
    missing = sorted(by_digest.keys() - found.keys())
    if missing:
        created = _insert(session, ModuleOutcome, [{"digest": digest} for digest in missing])
        rows = (
            (kind_id, number, count)
            for digest, number in created.items()
            for kind_id, count in Counter(unpack(by_digest[digest])).items()
        )
        insert_rows(session, ModuleOutcomeKind, ("kind_id", "module_outcome_id", "count"), sorted(rows))
        found |= created
        if len(found) < len(by_digest):
            found |= _lock(session, ModuleOutcome, by_digest)
    return {by_digest[digest]: number for digest, number in found.items()}


def _lock(session: Session, model: type[T], digests: Iterable[bytes]) -> dict[bytes, int]:
    """Find rows by digest and lock them against removal until the commit."""
    query = select(model.digest, model.id).where(model.digest.in_(sorted(digests))).order_by(model.digest)
    rows = session.execute(query.with_for_update(read=True, key_share=True))
    return {bytes(digest): number for digest, number in rows}


def _insert(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> dict[bytes, int]:
    """Insert rows in order of digest, skipping rows of concurrent transactions; return the IDs of new rows."""
    table = cast("Table", model.__table__)
    statement = insert(session, model).on_conflict_do_nothing().returning(table.c.digest, table.c.id)
    return {bytes(digest): number for digest, number in session.execute(statement, rows)}
