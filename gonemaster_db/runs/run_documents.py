"""The entries of runs, combined from outcomes and documents."""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Table, bindparam, select
from sqlalchemy.orm import Session

from gonemaster_db.core.errors import DocumentDamaged, RunNotFound
from gonemaster_db.core.levels import at_least
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.models import Keep, Run, RunDocument
from gonemaster_db.runs.documents.caches import EntryType
from gonemaster_db.runs.documents.codec import FINDINGS_ONLY
from gonemaster_db.runs.documents.outcomes import sequences_of
from gonemaster_db.runs.documents.registry import kinds_by_id
from gonemaster_db.runs.documents.run_document import (
    ParsedDocument,
    blank_document,
    decode_document,
    keeps_arguments,
)

log = logging.getLogger(__name__)

# More entries than a run can have: an entry's ID is the key of its run times this number, plus its position.
ENTRIES_PER_RUN = 2**20
_FIRST_PART, _MAX_IN_PART = 20, 500  # runs that are read together
_PART_BYTES = 8 * 1024 * 1024  # approximate size of their documents
_RUNS, _DOCUMENTS = cast("Table", Run.__table__), cast("Table", RunDocument.__table__)
_COLUMNS = (_RUNS.c.key, _RUNS.c.id, _RUNS.c.domain_id, _RUNS.c.domain, _RUNS.c.outcome_id)
_STORED = (
    select(*_COLUMNS, _DOCUMENTS.c.codec, _DOCUMENTS.c.document)
    .select_from(_RUNS.outerjoin(_DOCUMENTS, _DOCUMENTS.c.run_key == _RUNS.c.key))
    .where(_RUNS.c.id.in_(bindparam("wanted", expanding=True)))
)


@dataclass(frozen=True, slots=True)
class StoredRun:
    """The stored results of a run; `document` is None if it is damaged."""

    key: int
    id: str
    domain_id: int
    domain: str
    kinds: Sequence[int]
    document: ParsedDocument | None
    kept: Keep = Keep.FULL

    @property
    def full_document(self) -> ParsedDocument:
        """The document. Raises DocumentDamaged."""
        if self.document is None:
            raise DocumentDamaged(f"the document of run {self.id} is damaged")
        return self.document

    def has_arguments(self, kind: EntryType) -> bool:
        """Return whether the arguments and times of entries of a kind are stored."""
        return self.kept is Keep.FULL or (self.kept is Keep.FINDINGS and keeps_arguments(kind.level))

    def byte_count(self, position: int) -> int:
        """Return the size of the arguments of an entry as JSON, in bytes."""
        return len(self.document.raw_arguments(position)) if self.document else 0

    def entry(self, position: int, kinds: Mapping[int, EntryType]) -> EntryRecord:
        """Return one entry. Raises DocumentDamaged."""
        document = self.full_document
        return self._entry(position, kinds, document.timestamps[position], document.arguments(position))

    def listed_entry(self, position: int, kinds: Mapping[int, EntryType]) -> EntryRecord:
        """Return one entry for a list; if its document is damaged, time and arguments are empty."""
        try:
            return self.entry(position, kinds)
        except DocumentDamaged as error:
            log.error("listing an entry without arguments", extra={"job_id": self.id, "error": str(error)})
            return self._entry(position, kinds, 0.0, {})

    def _entry(self, position: int, kinds: Mapping[int, EntryType], timestamp: float, args: Any) -> EntryRecord:
        key = self.key * ENTRIES_PER_RUN + position
        return EntryRecord(timestamp, *kinds[self.kinds[position]], args, key, self.id, self.domain_id, self.domain)


def read_stored_runs(session: Session, run_ids: Collection[str]) -> dict[str, StoredRun]:
    """Read stored runs by ID; documents are decompressed, and parsed later on access."""
    rows = session.connection().execute(_STORED, {"wanted": list(run_ids)}).all()
    sequences = sequences_of(session, (row.outcome_id for row in rows))
    return {row.id: _stored_run(row, sequences.get(row.outcome_id, ())) for row in rows}


def read_in_parts(session: Session, run_ids: Sequence[str]) -> Iterator[list[StoredRun]]:
    """Yield stored runs in the order of the IDs, in parts, because a document can have megabytes.

    Deleted runs are skipped.
    """
    size = _FIRST_PART
    while run_ids:
        part, run_ids = run_ids[:size], run_ids[size:]
        found = read_stored_runs(session, part)
        yield [found[run_id] for run_id in part if run_id in found]
        byte_count = sum(run.document.byte_count for run in found.values() if run.document)
        size = max(1, min(_MAX_IN_PART, len(part) * _PART_BYTES // max(1, byte_count)))


def read_stored_run(session: Session, run_id: str) -> StoredRun:
    """Read one stored run. Raises RunNotFound."""
    found = read_stored_runs(session, [run_id])
    if run_id not in found:
        raise RunNotFound(run_id)
    return found[run_id]


def kinds_of(session: Session, runs: Iterable[StoredRun]) -> Mapping[int, EntryType]:
    """Return the entry kinds of runs."""
    return kinds_by_id(session, {number for run in runs for number in run.kinds})


def entries_of(session: Session, run: StoredRun, *, min_level: str | None = None) -> list[EntryRecord]:
    """Return the entries of a run in order, at or above a level. Raises DocumentDamaged.

    The entries of a reduced run whose arguments are no longer stored are omitted.
    """
    kinds = kinds_of(session, [run])
    levels = None if min_level is None else at_least(min_level)
    return [
        run.entry(position, kinds)
        for position, number in enumerate(run.kinds)
        if (levels is None or kinds[number].level in levels) and run.has_arguments(kinds[number])
    ]


def _stored_run(row: Any, kinds: Sequence[int]) -> StoredRun:
    document, kept = _document(row, len(kinds)), Keep.FULL
    if row.codec is None and kinds:
        kept = Keep.FACTS
    elif row.codec == FINDINGS_ONLY:
        kept = Keep.FINDINGS
    return StoredRun(row.key, row.id, row.domain_id, row.domain, kinds, document, kept)


def kept_of(session: Session, run: Run) -> Keep:
    """Return what is kept of a run, without reading its document."""
    codec = session.scalar(select(_DOCUMENTS.c.codec).where(_DOCUMENTS.c.run_key == run.key))
    if codec is None:
        return Keep.FACTS if run.entry_count else Keep.FULL
    return Keep.FINDINGS if codec == FINDINGS_ONLY else Keep.FULL


def _document(row: Any, entries: int) -> ParsedDocument | None:
    try:
        document = blank_document(entries) if row.codec is None else decode_document(row.codec, row.document)
        if document.entry_count != entries:
            raise DocumentDamaged(f"the document has {document.entry_count} entries, its outcome {entries}")
    except DocumentDamaged as error:
        log.error("the document of a run is damaged", extra={"job_id": row.id, "error": str(error)})
        return None
    return document
