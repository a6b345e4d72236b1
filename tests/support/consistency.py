"""What must hold in every store: copies and counts equal what they are made from."""

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from gonemaster_db.models import Domain, Run, RunCounter
from gonemaster_db.models.counters import ALL_RUNS
from gonemaster_db.repositories.counters import RunGroup, read_counts
from gonemaster_db.repositories.run_documents import read_stored_runs
from gonemaster_db.session import Store

_LATEST = ("latest_run_id", "latest_run_at", "latest_status", "latest_level", "latest_score", "latest_grade")
_OF_RUN = ("id", "finished_at", "status", "worst_level", "score", "grade")


def faults(store: Store) -> list[str]:
    """Describe what does not fit; empty for a sound store."""
    with store.read_only() as session:
        return [*_faults_of_domains(session), *_faults_of_entries(session), *_faults_of_counters(session)]


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


def _faults_of_entries(session: Session) -> Iterator[str]:
    runs = session.scalars(select(Run)).all()
    stored = read_stored_runs(session, [run.id for run in runs])
    for run in runs:
        found = stored[run.id]
        if found.document is None or not run.entry_count == len(found.kinds) == found.document.entry_count:
            yield f"{run.id} has an outcome of {len(found.kinds)} entries and counts {run.entry_count}"


def _faults_of_counters(session: Session) -> Iterator[str]:
    """Compare all counters with the runs that they count."""
    columns = (Run.batch_key, Run.status, Run.worst_level, Run.grade)
    groups = Counter(RunGroup(*row) for row in session.execute(select(*columns)))
    batches = {ALL_RUNS, *(group.batch_key for group in groups)} | set(session.scalars(select(RunCounter.batch_key)))
    for batch_key in sorted(key for key in batches if key is not None):
        key = None if batch_key == ALL_RUNS else batch_key
        expected: Counter[RunGroup] = Counter()
        for group, number in groups.items():
            if key is None or group.batch_key == key:
                expected[group._replace(batch_key=key)] += number
        if read_counts(session, key) != expected:
            yield f"counters of {key} show {read_counts(session, key)} instead of {dict(expected)}"
