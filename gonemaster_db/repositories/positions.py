"""Positions in a tier: sparse numbers, so that a job moves without others being renumbered.

Positions are given out in slabs; who takes a slab later stands behind, and no one waits for another's commit.
"""

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from gonemaster_db.models import Job

GAP = 1 << 10  # ten moves to the same place before it must be made wider
LARGEST_SLAB = 1 << 13
SLAB = GAP * LARGEST_SLAB  # 2^40 slabs fit into a bigint


def positions_at_end(session: Session, priority: int, count: int) -> list[int]:
    """Take ascending positions behind all jobs of the tier."""
    if session.get_bind().dialect.name == "sqlite":
        return list(_ascending(_slab_behind(session, priority), count))
    taken: list[int] = []
    while len(taken) < count:
        slab = session.execute(text("SELECT nextval('job_slabs')")).scalar_one()
        taken += _ascending(slab, min(LARGEST_SLAB, count - len(taken)))
    return taken


def _ascending(slab: int, count: int) -> range:
    return range(slab * SLAB, slab * SLAB + count * GAP, GAP)


def _slab_behind(session: Session, priority: int) -> int:
    """SQLite has one writer at a time: what is last now stays last until the commit."""
    last = session.scalar(select(func.max(Job.position)).where(Job.priority == priority))
    return 1 if last is None else last // SLAB + 1
