"""What a release before migration 0026 does to domains: it writes the columns that it knows, and no others."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import select, update

from gonemaster_db.core.session import Store
from gonemaster_db.models import Domain

_NEW = ("latest_outcome_id", "latest_outcome_run_id")
_QUIET = {"synchronize_session": False}


@contextmanager
def release_before(store: Store) -> Iterator[None]:
    """Runs that end within it, and are deleted, leave the new columns of `domains` as they were."""
    columns = [getattr(Domain, name) for name in _NEW]
    with store.read_only() as session:
        before = {row.id: row[1:] for row in session.execute(select(Domain.id, *columns))}
    yield
    with store.transaction() as session:
        for domain_id in session.scalars(select(Domain.id)).all():
            values = dict(zip(_NEW, before.get(domain_id, (None, None)), strict=True))
            session.execute(update(Domain).where(Domain.id == domain_id).values(values), execution_options=_QUIET)
