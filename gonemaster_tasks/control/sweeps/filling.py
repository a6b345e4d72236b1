"""Filling of a batch from an upload or a file: all lines are checked first, then the jobs are written in chunks.

A chunk of jobs, the line that it ends with and the progress of the operation are stored in one transaction. A process
that is killed at any point therefore leaves a state from which another one continues: no job twice, none missing.
"""

import json
import logging
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from gonemaster_db.batches.sweeps import (
    end_sweep,
    find_sweep,
    lock_pending,
    profiles_of,
    stop_filling,
    store_report,
    write_jobs,
)
from gonemaster_db.batches.uploads import delete_upload, keep_upload, reopen_upload
from gonemaster_db.models import Operation, Sweep
from gonemaster_db.queue.jobs import CreatedJobs, refresh_statistics
from gonemaster_db.queue.position_allocator import MAX_SLAB_SIZE
from gonemaster_db.service.audit import LongAction
from gonemaster_engine.texts import Text
from gonemaster_tasks.control.messages.window import send_new
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.control.submit import SUBMISSION_LIFE, check_options
from gonemaster_tasks.control.sweeps.scan import BitMap, Scanned, scan
from gonemaster_tasks.control.sweeps.source import Line, fingerprint, lines_of, name_of, open_blocks
from gonemaster_tasks.errors import SourceInvalid
from gonemaster_tasks.queues import BATCH

log = logging.getLogger(__name__)

_ANALYZED_EVERY = 32  # chunks
_CHANGED = Text("the file has changed while its jobs were written; those that exist stay. Submit the other names again")


class _Chunk(NamedTuple):
    """Names of the lines from `start` (exclusive) to `end` (inclusive)."""

    start: int
    end: int
    names: list[str]


class Filling:
    """One claim of an operation that fills a batch."""

    def __init__(self, parts: QueueParts, operation: Operation, action: LongAction) -> None:
        self._parts = parts
        self._operation_id, self._batch_id = operation.id, operation.target
        self._action = action
        self._lines: Iterator[Line] | None = None
        self._skipped = BitMap()
        self._chunk: _Chunk | None = None
        self._written: CreatedJobs | None = None
        self._chunks = 0

    # Before the first job

    def prepare(self, keep_going: Callable[[], bool], store_total: Callable[[Session, int], None]) -> bool:
        """Check all lines and create the batch, unless an earlier worker has done so; return False if stopped.

        Raises:
            SourceInvalid, OptionsTooLarge, AmbiguousProfile: nothing was queued.
        """
        sweep = self._read()
        if sweep is None:  # An earlier worker was killed before it reported the end.
            return True
        if sweep.report is None:
            found = self._scan(sweep, keep_going)
            if found is None:
                return False
            self._store(sweep, found, store_total)
        else:  # The messages of an earlier worker may be missing.
            self._parts.broker.reconciliation.post()
        self._read_chunk()
        return True

    def _read(self) -> Sweep | None:
        with self._parts.store.read_only() as session:
            return find_sweep(session, self._operation_id)

    def _scan(self, sweep: Sweep, keep_going: Callable[[], bool]) -> Scanned | None:
        limits = self._parts.sweeps
        blocks = open_blocks(self._parts.store, sweep.source, limits.files)
        found = scan(
            lines_of(blocks),
            max_lines=limits.max_lines,
            directory=limits.directory,
            check_names=partial(self._check_profiles, sweep),
            keep_going=partial(self._keep_going, sweep, keep_going),
        )
        if found is not None:
            _check(sweep, found)
        return found

    def _check_profiles(self, sweep: Sweep, names: Sequence[str]) -> None:
        with self._parts.store.read_only() as session:
            profiles_of(session, sweep.options, names)

    def _keep_going(self, sweep: Sweep, keep_going: Callable[[], bool]) -> bool:
        if upload_id := sweep.source.get("upload_id"):
            self._renew(upload_id)
        return keep_going()

    def _renew(self, upload_id: str) -> None:
        now, life = self._parts.clock.now(), self._parts.sweeps.lifetime
        self._parts.store.run_in_transaction(lambda session: keep_upload(session, upload_id, now=now, life=life))

    def _store(self, sweep: Sweep, found: Scanned, store_total: Callable[[Session, int], None]) -> None:
        report = _report(sweep, found) | {"fingerprint": fingerprint(sweep.source, self._parts.sweeps.files)}
        skipped, now = zlib.compress(found.skipped.content(), 6), self._parts.clock.now()

        def store(session: Session) -> None:
            store_total(session, found.names)
            stored = find_sweep(session, self._operation_id)
            if stored is not None:
                store_report(session, stored, report, skipped=skipped, now=now)

        self._parts.store.run_in_transaction(store)

    # Chunks

    def step(self, session: Session, _size: int) -> int:
        """Write the jobs of the next chunk; return their number, 0 if none is left or the batch was canceled."""
        self._written = None
        sweep = find_sweep(session, self._operation_id)
        if sweep is None or not lock_pending(session, self._batch_id):
            return 0
        chunk = self._chunk
        if chunk is None or chunk.start != sweep.line or not chunk.names:
            raise SourceInvalid(_CHANGED)
        now = self._parts.clock.now()
        self._written = write_jobs(session, sweep, chunk.names, line=chunk.end, now=now)
        self._action.add(session, len(chunk.names), now=now)
        return len(chunk.names)

    def after_step(self) -> None:
        """Write the messages of the last chunk after its commit, and read the next one."""
        if (written := self._written) is not None:
            send_new(self._parts.broker, written.in_turn, BATCH, first_position=written.first_position)
        self._chunks += 1
        if self._chunks % _ANALYZED_EVERY == 1:
            self._parts.store.run_in_transaction(refresh_statistics)
        self._read_chunk()

    def _read_chunk(self) -> None:
        sweep = self._read()
        if sweep is None:
            return
        if self._parts.broker.window.cut(BATCH) is None:
            # Otherwise a reconciler that sees the next rows before their messages would rebuild the tier.
            self._parts.broker.marks.begin_submission(self._batch_id, SUBMISSION_LIFE)
        else:
            self._parts.broker.marks.end_submission(self._batch_id)
        lines, names, end = self._open(sweep), list[str](), sweep.line
        for line in lines:
            end = line.number
            if line.number not in self._skipped:
                names.append(name_of(line.content))
            if len(names) == MAX_SLAB_SIZE:
                break
        self._chunk = _Chunk(sweep.line, end, names)

    def _open(self, sweep: Sweep) -> Iterator[Line]:
        if self._lines is None:
            files = self._parts.sweeps.files
            if fingerprint(sweep.source, files) != (sweep.report or {}).get("fingerprint"):
                raise SourceInvalid(_CHANGED)
            self._skipped = BitMap(zlib.decompress(sweep.skipped or b""))
            lines = lines_of(open_blocks(self._parts.store, sweep.source, files))
            self._lines = (line for line in lines if line.number > sweep.line)
        return self._lines

    # The end

    def finish(self, done: int) -> Mapping[str, Any]:
        """Remove the source, and return the result: as for a batch that was submitted in one request."""
        sweep = self._read()
        self._parts.broker.marks.end_submission(self._batch_id)
        if sweep is None:
            return {"batch_id": self._batch_id, "job_count": done}

        def end(session: Session) -> None:
            end_sweep(session, self._operation_id)
            if upload_id := sweep.source.get("upload_id"):
                delete_upload(session, upload_id)
            refresh_statistics(session)

        self._parts.store.run_in_transaction(end)
        report = {name: value for name, value in (sweep.report or {}).items() if name != "fingerprint"}
        return {"batch_id": self._batch_id, "job_ids": [], **report, "job_count": done}


def abandon_filling(parts: QueueParts, operation_id: str) -> None:
    """End a sweep whose operation has failed: the jobs that exist stay, and the upload can be submitted again."""

    def abandon(session: Session) -> None:
        sweep = find_sweep(session, operation_id)
        if sweep is None:
            return
        stop_filling(session, sweep.batch_id)
        if upload_id := sweep.source.get("upload_id"):
            reopen_upload(session, upload_id, now=parts.clock.now(), life=parts.sweeps.lifetime)
        end_sweep(session, operation_id)

    parts.store.run_in_transaction(abandon)


def _check(sweep: Sweep, found: Scanned) -> None:
    if found.invalid_count and (not sweep.skip_invalid or not found.names):
        raise SourceInvalid(_first_invalid(found), details=_report(sweep, found))
    if not found.names:
        raise SourceInvalid(Text("the source has no names"))
    octets = len(json.dumps(sweep.options["config"]))
    check_options(octets * found.names, found.names)


def _first_invalid(found: Scanned) -> Text:
    first = found.invalid[0]
    return Text(
        "line {line} ({place}): {domain} is not a valid domain name: {reason}; {count} of {lines} lines are invalid "
        "and nothing was queued. Correct them, or submit the source again with skip_invalid",
        line=first["index"] + 1,
        place=first["place"],
        domain=repr(first["domain"][:80]),
        reason=first["reason"],
        count=found.invalid_count,
        lines=found.lines,
    )


def _report(sweep: Sweep, found: Scanned) -> dict[str, Any]:
    duplicates = [{"index": number - 1, "domain": "", "reason": "duplicate"} for number in found.duplicates]
    return {
        "job_count": found.names,
        "lines": found.lines,
        "duplicate_count": found.duplicate_count,
        "duplicates": duplicates,
        "invalid_count": found.invalid_count,
        "invalid": [{name: value for name, value in each.items() if name != "place"} for each in found.invalid],
    }
