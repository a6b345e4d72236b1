"""Imports tests of Zonemaster-Backend: processes read, translate and judge blocks of tests, and this one writes them.

A test becomes a run whose ID is derived from its hash and its time. A repeated import therefore adds nothing, and an
import that was stopped continues. Memory is bounded by the blocks in progress.
"""

import os
import re
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from multiprocessing import get_context, parent_process
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any, NamedTuple

import msgspec

from gonemaster_db.core.ids import public_id_of_test
from gonemaster_db.core.records import RunRecord
from gonemaster_db.core.session import Store
from gonemaster_db.core.states import Priority, RunStatus
from gonemaster_db.runs.documents.caches import EntryType
from gonemaster_db.zonemaster.dump import is_dump, stage_dump
from gonemaster_db.zonemaster.source import BackendDatabase, SourceEntry, SourceTest, old_entries
from gonemaster_db.zonemaster.writing import (
    PreparedRun,
    batch_id_of,
    find_runs,
    prepare_run,
    run_id_of,
    write_batch,
    write_runs,
)
from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.errors import InvalidDomain
from gonemaster_engine.findings.causes.registry import causes_of
from gonemaster_engine.findings.tags import Tag
from gonemaster_engine.memory import collect_rarely
from gonemaster_engine.names import normalize_domain
from gonemaster_engine.scoring.config import ScoringConfig
from gonemaster_engine.scoring.rule import RULE_VERSION
from gonemaster_engine.scoring.score import compute_score
from gonemaster_engine.testcases.catalogue import cases
from gonemaster_engine.zonemaster.reading import EntryReader, reader_of

BLOCK = 600  # tests of a transaction: with fewer, the indexes of runs are written more often
_PART = 100  # tests of a block whose entries are in memory together
_BLOCKS_AHEAD = 2  # of each process
_EXAMPLES = 5  # of each problem
_LIMITS = {"module": 32, "testcase": 32, "name": 64}  # characters
_LEVELS = {level.name: level for level in Level}
_decode_args = msgspec.json.Decoder().decode
_DIED = frozenset({"TEST_DIED", "UNABLE_TO_FINISH_TEST"})
_WORKER = "zonemaster"
_TEST_ID = re.compile(r"[0-9a-f]{16}")

UNFINISHED = "tests that are not finished"
DAMAGED = "tests with damaged data"
INVALID_NAME = "tests of a name that is not valid"
NO_RESULT = "tests without a result, imported as failed runs"
UNKNOWN_BATCH = "tests of a batch that does not exist, imported without it"
INVALID_ENTRY = "entries that are damaged or have an unknown level"
NO_SCORE = "runs whose score could not be computed"

Problem = tuple[str, str]  # the kind, and the test


@dataclass
class ImportReport:
    """The numbers of an import so far, and what it could not take."""

    total: int = 0
    done: int = 0
    batches: int = 0
    runs: int = 0
    known: int = 0
    problems: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def note(self, kind: str, example: str) -> None:
        """Count a problem and keep the first examples."""
        self.problems[kind] += 1
        if len(found := self.examples.setdefault(kind, [])) < _EXAMPLES:
            found.append(example)


def import_zonemaster(
    store: Store, name: str, scoring: ScoringConfig, *, report: Callable[[ImportReport], object], processes: int = 0
) -> ImportReport:
    """Import all finished tests of a database or dump; `report` receives the state after each block.

    Raises:
        SourceRefused: the source cannot be read.
    """
    with _database(name) as source_name, closing(BackendDatabase(source_name)) as source:
        found = ImportReport(total=source.count())
        batches = source.batches()
        for batch in batches:
            found.batches += store.run_in_transaction(partial(write_batch, batch=batch))
        workers = processes or os.cpu_count() or 1
        context = get_context("forkserver")  # a fork of this process would share its connections
        context.set_forkserver_preload([__name__])  # so that the modules are imported once
        translate = partial(_translate, source_name, scoring, {batch.number: batch_id_of(batch) for batch in batches})
        with ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare_process) as pool:
            pending: deque[Future[tuple[list[PreparedRun], list[Problem]]]] = deque()
            for numbers in _fresh_blocks(store, source, found):
                pending.append(pool.submit(translate, numbers))
                if len(pending) > _BLOCKS_AHEAD * workers:
                    _write(store, pending.popleft().result(), found)
                    report(found)
            while pending:
                _write(store, pending.popleft().result(), found)
                report(found)
    return found


@contextmanager
def _database(name: str) -> Iterator[str]:
    """Return the name of a database that can be queried; a dump is read into a temporary one."""
    path = Path(name)
    if not (path.is_file() and is_dump(path)):
        yield name
        return
    with TemporaryDirectory(prefix="gonemaster-import-") as folder:
        staged = Path(folder) / "staged.db"
        stage_dump(path, staged)
        yield str(staged)


def _fresh_blocks(store: Store, source: BackendDatabase, found: ImportReport) -> Iterator[list[int]]:
    """Yield the numbers of finished tests that are not imported yet."""
    last = 0
    while heads := source.heads_after(last, limit=BLOCK):
        last = heads[-1].number
        for head in heads:
            if not head.is_finished:
                found.note(UNFINISHED, head.hash_id)
                found.done += 1
        ids = {run_id_of(head.hash_id, head.created_at): head.number for head in heads if head.is_finished}
        with store.read_only() as session:
            known = find_runs(session, ids)
        found.known += len(known)
        found.done += len(known)
        if fresh := sorted(number for run_id, number in ids.items() if run_id not in known):
            yield fresh


def _write(store: Store, block: tuple[list[PreparedRun], list[Problem]], found: ImportReport) -> None:
    runs, problems = block
    found.runs += store.run_in_transaction(partial(write_runs, runs=runs))
    for kind, example in problems:
        found.note(kind, example)
    found.done += len(runs) + sum(kind in {INVALID_NAME, DAMAGED} for kind, _ in problems)


def _prepare_process() -> None:
    """Set up a process of the pool; without its parent it would wait for the next block forever."""
    Thread(target=_end_with_parent, daemon=True).start()
    collect_rarely()


def _end_with_parent() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(1)


@cache
def _source_of_process(name: str) -> BackendDatabase:
    return BackendDatabase(name)  # open as long as the process runs


def _translate(
    name: str, scoring: ScoringConfig, batches: Mapping[int, str], numbers: list[int]
) -> tuple[list[PreparedRun], list[Problem]]:
    """Return the runs of tests and the problems; runs in a process of the pool."""
    source = _source_of_process(name)
    runs, problems = list[PreparedRun](), list[Problem]()
    for start in range(0, len(numbers), _PART):
        tests = source.tests(numbers[start : start + _PART])
        entries = source.entries_of([test.hash_id for test in tests])
        for test in tests:
            noted: list[Problem] = []
            try:
                rows = entries.get(test.hash_id) or old_entries(test)
                runs.append(_run(test, rows, batches, scoring, noted))
            except InvalidDomain:
                noted = [(INVALID_NAME, test.domain[:100])]
            except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError):
                noted = [(DAMAGED, test.hash_id)]  # strangers chose the parameters; one test must not end the import
            problems += noted
    return runs, problems


def _run(
    test: SourceTest,
    rows: list[SourceEntry],
    batches: Mapping[int, str],
    scoring: ScoringConfig,
    problems: list[Problem],
) -> PreparedRun:
    domain = normalize_domain(test.domain)
    job = _job(test, domain, batches.get(test.batch) if test.batch is not None else None)
    if test.batch is not None and job["batch_id"] is None:
        problems.append((UNKNOWN_BATCH, test.hash_id))
    entries, kinds = _entries(test, rows, problems)
    record = _record(test, domain, entries, scoring, problems)
    return prepare_run(job, record, kinds, entries)


def _job(test: SourceTest, domain: str, batch_id: str | None) -> dict[str, Any]:
    """Return the columns that a run takes from its job."""
    params = test.params if isinstance(test.params, dict) else {}
    config = {
        "nameservers": [
            {key: item[key] for key in ("ns", "ip") if item.get(key)} for item in params.get("nameservers") or ()
        ],
        "ds": [
            {key: item[key] for key in ("keytag", "algorithm", "digtype", "digest")}
            for item in params.get("ds_info") or ()
            if {"keytag", "algorithm", "digtype", "digest"} <= item.keys()
        ],
        "ipv4_disabled": params.get("ipv4") is False,
        "ipv6_disabled": params.get("ipv6") is False,
    }
    return {
        "id": run_id_of(test.hash_id, test.created_at),
        "public_id": public_id_of_test(test.hash_id) if _TEST_ID.fullmatch(test.hash_id) else None,
        "domain": domain,
        "batch_id": batch_id,
        "priority": Priority.NORMAL if batch_id is None else Priority.BATCH,
        "created_at": test.created_at,
        "started_at": test.started_at,
        "attempt": 1,
        "worker": _WORKER,
        "profile": str(params.get("profile") or ""),
        "profile_id": None,
        "profile_name": str(params.get("profile") or ""),
        "config": {key: value for key, value in config.items() if value},
    }


def _find_tag(case_id: str, name: str) -> Tag | None:
    case = cases().get(case_id)
    return next((tag for tag in case.tags if tag.name == name), None) if case else None


class _SourceKind(NamedTuple):
    """What the entries of one message tag and level have in common."""

    reader: EntryReader
    level: Level
    stored: EntryType


@lru_cache(maxsize=20_000)  # most entries of a database are of a few hundred kinds
def _kind(module: str, testcase: str, tag: str, level: str) -> _SourceKind | None:
    """Return the kind of an entry, None if a name or a level cannot be stored."""
    found = reader_of(module, testcase, tag, find_tag=_find_tag)
    is_long = any(len(getattr(found, name)) > limit for name, limit in _LIMITS.items())
    if is_long or level not in _LEVELS:
        return None
    return _SourceKind(found, _LEVELS[level], EntryType(found.module, found.testcase, found.name, level))


def _entries(test: SourceTest, rows: list[SourceEntry], problems: list[Problem]) -> tuple[list[Entry], list[EntryType]]:
    """Return the entries in the form of this engine, and their kinds."""
    found, kinds = list[Entry](), list[EntryType]()
    for source_level, module, testcase, tag, timestamp, args in rows:
        kind = read = None
        try:
            kind = _kind(module, testcase, tag, source_level)
            decoded: Any = _decode_args(args or b"{}") if isinstance(args, str | bytes) else args
            read = kind.reader.args(decoded) if kind and isinstance(decoded, dict) else None
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
            read = None  # the arguments are no JSON
        if kind is None or read is None:
            problems.append((INVALID_ENTRY, f"{test.hash_id} {tag}"[:100]))
            continue
        reader, level, stored = kind
        found.append(Entry(timestamp, reader.module, reader.testcase, reader.name, level, read))
        kinds.append(stored)
    return found, kinds


def _record(
    test: SourceTest, domain: str, entries: list[Entry], scoring: ScoringConfig, problems: list[Problem]
) -> RunRecord:
    finished_at = test.ended_at or test.started_at or test.created_at
    died = next((entry.tag for entry in entries if entry.tag in _DIED), "")
    if not entries or died:
        if not died:
            problems.append((NO_RESULT, test.hash_id))
        error = f"Zonemaster did not finish the test: {died or 'no result'}"
        return RunRecord(RunStatus.FAILED, finished_at, error=error)
    try:
        causes = causes_of(domain, entries)
        score = compute_score(domain, entries, scoring, causes=causes)
    except (LookupError, TypeError, ValueError, AttributeError):  # arguments of another version
        problems.append((NO_SCORE, test.hash_id))
        return RunRecord(RunStatus.SUCCEEDED, finished_at)
    return RunRecord(
        RunStatus.SUCCEEDED,
        finished_at,
        score=score.score if score else None,
        grade=score.grade if score else None,
        causes=[cause.id for cause in causes],
        score_rule=RULE_VERSION if score else None,
    )
