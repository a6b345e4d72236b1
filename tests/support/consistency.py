"""Invariants of every store: copies and counts equal their sources, and there are no orphaned rows."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gonemaster_db.core.session import Store
from gonemaster_db.domains.domains import OF_RUN_COUNT
from gonemaster_db.models import (
    Domain,
    DomainRunCount,
    EntryKind,
    ModuleOutcome,
    ModuleOutcomeKind,
    Outcome,
    OutcomeModule,
    Run,
    RunCounter,
    RunDocument,
)
from gonemaster_db.runs.documents.packing import digest_of, pack, unpack
from gonemaster_db.runs.documents.run_document import decode_document
from gonemaster_db.runs.models.counters import ALL_RUNS

_LATEST = (
    "latest_run_id", "latest_outcome_id", "latest_run_at", "latest_status", "latest_level", "latest_score",
    "latest_grade",
)  # fmt: skip
_OF_RUN = ("id", "outcome_id", "finished_at", "status", "worst_level", "score", "grade")


def faults(store: Store) -> list[str]:
    """Return descriptions of violated invariants; empty for a sound store."""
    of_domains = (_faults_of_domains, _faults_of_run_counts)
    checks = (*of_domains, _faults_of_runs, _faults_of_documents, _faults_of_outcomes, _faults_of_counters)
    with store.read_only() as session:
        return [fault for check in checks for fault in check(session)]


def _faults_of_domains(session: Session) -> Iterator[str]:
    for domain in session.scalars(select(Domain).order_by(Domain.name)):
        runs = session.scalars(select(Run).where(Run.domain_id == domain.id)).all()
        if domain.run_count != len(runs):
            yield f"{domain.name} has {len(runs)} runs and counts {domain.run_count}"
        newest = max(runs, key=lambda run: (run.finished_at, run.id), default=None)
        expected = [getattr(newest, name) if newest else None for name in _OF_RUN]
        found = [getattr(domain, name) for name in _LATEST]
        if found != expected:
            yield f"{domain.name} shows {found} instead of {expected}"


def _faults_of_run_counts(session: Session) -> Iterator[str]:
    columns = (Domain.id, Domain.run_count, Domain.name, Domain.latest_level)
    expected = {row[0]: tuple(row) for row in session.execute(select(*columns))}
    copy = (getattr(DomainRunCount, name) for name in OF_RUN_COUNT)
    found = {row[0]: tuple(row) for row in session.execute(select(*copy))}
    for domain_id in expected.keys() | found.keys():
        if expected.get(domain_id) != found.get(domain_id):
            yield f"{expected.get(domain_id)} is listed as {found.get(domain_id)}"


def _faults_of_runs(session: Session) -> Iterator[str]:
    """Compare each run with its outcome: the number of entries and their levels."""
    kinds, sequences = _kinds(session), _sequences(session)
    for run in session.scalars(select(Run)):
        levels = Counter(kinds[number].level for number in sequences.get(run.outcome_id or 0, ()))
        expected = (levels.total(), *(levels[level] for level in run.severity_totals))
        if (run.entry_count, *run.severity_totals.values()) != expected:
            yield f"{run.id} counts {run.entry_count} entries, {run.severity_totals}; its outcome has {dict(levels)}"


def _faults_of_documents(session: Session) -> Iterator[str]:
    stored = {row.run_key: row for row in session.scalars(select(RunDocument))}
    for run in session.scalars(select(Run)):
        row = stored.pop(run.key, None)
        entries = 0 if row is None else decode_document(row.codec, row.document).entry_count
        if entries != run.entry_count:
            yield f"{run.id} has {run.entry_count} entries, its document has {entries}"
    for key in stored:
        yield f"a document of run {key}, which does not exist"


def _faults_of_outcomes(session: Session) -> Iterator[str]:
    """Compare each outcome with its modules; an outcome without a run may exist until maintenance removes it."""
    kinds, modules = _kinds(session), _modules(session)
    parts: dict[int, list[int]] = defaultdict(list)
    for module_id, outcome_id in session.execute(select(OutcomeModule.module_outcome_id, OutcomeModule.outcome_id)):
        parts[outcome_id].append(module_id)
    for outcome in session.scalars(select(Outcome)):
        sequence = unpack(outcome.kinds)
        if bytes(outcome.digest) != digest_of(bytes(outcome.kinds)):
            yield f"outcome {outcome.id} has the digest of another one"
        found = Counter[int]()
        for module_id in parts.pop(outcome.id, []):
            found += modules[module_id]
            if len({kinds[number].module for number in modules[module_id]}) != 1:
                yield f"outcome {module_id} of a module is of none or several"
        if found != Counter(sequence):
            yield f"outcome {outcome.id} has the kinds {Counter(sequence)}, its modules have {found}"
    for outcome_id in parts:
        yield f"modules of outcome {outcome_id}, which does not exist"


def _faults_of_counters(session: Session) -> Iterator[str]:
    key = (RunCounter.batch_key, RunCounter.status, RunCounter.level, RunCounter.grade)
    rows = session.execute(select(*key, func.sum(RunCounter.runs)).group_by(*key))
    counted: dict[tuple[object, ...], int] = {tuple(row[:4]): int(row[4]) for row in rows if row[4]}
    expected = Counter[tuple[object, ...]]()
    for run in session.scalars(select(Run)):
        for batch_key in {ALL_RUNS, run.batch_key or ALL_RUNS}:
            expected[batch_key, run.status, run.worst_level, run.grade or ""] += 1
    for group in counted.keys() | expected.keys():
        if counted.get(group, 0) != expected[group]:
            yield f"{group} has {expected[group]} runs and counts {counted.get(group, 0)}"


def _kinds(session: Session) -> Mapping[int, EntryKind]:
    return {kind.id: kind for kind in session.scalars(select(EntryKind))}


def _sequences(session: Session) -> Mapping[int, Sequence[int]]:
    return {outcome.id: unpack(outcome.kinds) for outcome in session.scalars(select(Outcome))}


def _modules(session: Session) -> Mapping[int, Counter[int]]:
    """Return the kinds in the outcomes of modules; fail if a digest does not match its kinds."""
    found: dict[int, Counter[int]] = defaultdict(Counter)
    for row in session.scalars(select(ModuleOutcomeKind)):
        found[row.module_outcome_id][row.kind_id] = row.count
    for module in session.scalars(select(ModuleOutcome)):
        assert bytes(module.digest) == digest_of(pack(sorted(found[module.id].elements())))
    return found
