"""What must hold in every store: copies and counts equal what they are made from."""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from gonemaster_db.models import Domain, Entry, Run
from gonemaster_db.session import Store

_LATEST = ("latest_run_id", "latest_run_at", "latest_status", "latest_level", "latest_score", "latest_grade")
_OF_RUN = ("id", "finished_at", "status", "worst_level", "score", "grade")


def faults(store: Store) -> list[str]:
    """Describe what does not fit; empty for a sound store."""
    with store.read_only() as session:
        return [*_faults_of_domains(session), *_faults_of_entries(session)]


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
    written: ColumnElement[int] = select(func.count()).where(Entry.run_id == Run.id).scalar_subquery()
    for run_id, counted, found in session.execute(select(Run.id, Run.entry_count, written)):
        if counted != found:
            yield f"{run_id} has {found} entries and counts {counted}"
