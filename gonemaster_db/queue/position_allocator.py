"""Allocation of positions in a tier: sparse numbers, so that a job can move without renumbering other jobs.

Positions are allocated in slabs from a sequence: a later slab follows an earlier one, and no submission waits for the
commit of another submission.
"""

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from gonemaster_db.models import Job

GAP = 1 << 10  # allows ten insertions at the same point before neighbours must be renumbered
MAX_SLAB_SIZE = 1 << 13
SLAB = GAP * MAX_SLAB_SIZE  # 2^40 slabs fit into a bigint


def allocate_positions(session: Session, priority: int, count: int) -> list[int]:
    """Allocate ascending positions after all jobs of the tier."""
    if session.get_bind().dialect.name == "sqlite":
        return list(_ascending(_next_free_slab(session, priority), count))
    taken: list[int] = []
    while len(taken) < count:
        slab = session.execute(text("SELECT nextval('job_slabs')")).scalar_one()
        taken += _ascending(slab, min(MAX_SLAB_SIZE, count - len(taken)))
    return taken


def _ascending(slab: int, count: int) -> range:
    return range(slab * SLAB, slab * SLAB + count * GAP, GAP)


def _next_free_slab(session: Session, priority: int) -> int:
    """Return the number of the first free slab; SQLite has one writer, so the slab stays free until the commit."""
    last = session.scalar(select(func.max(Job.position)).where(Job.priority == priority))
    return 1 if last is None else last // SLAB + 1
