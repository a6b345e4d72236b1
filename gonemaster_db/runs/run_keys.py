"""Follows finished runs by key, outside the transactions that write them.

PostgreSQL assigns keys before the commit, so a run may appear after other runs with greater keys. Missing keys are
remembered as holes and checked again, for longer than any transaction of the service takes. On SQLite, which has one
writer, keys appear in order, but the key of a deleted run may be reused: code that deletes runs resets the progress.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from gonemaster_db.core.chunks import chunks
from gonemaster_db.models import Run

HOLE_LIFE_S = 3600.0
MAX_HOLES = 1000
_RANGES = 100  # number of holes in one query


class Hole(NamedTuple):
    """A range of keys without runs; `since` is the POSIX time at which they were first missed."""

    first: int
    last: int
    since: float


@dataclass(frozen=True)
class Progress:
    """The progress: all runs up to the key `seen` were followed, except for runs that appear in a hole."""

    seen: int
    holes: tuple[Hole, ...] = ()
    version: int = 0

    def after(self, keys: Collection[int], *, now: float) -> "Progress":
        """Return the progress after following the runs with these keys, which `next_keys` returned."""
        new = sorted(key for key in keys if key > self.seen)
        filled = sorted(key for key in keys if key <= self.seen)
        remaining = [part for hole in self.holes if hole.since > now - HOLE_LIFE_S for part in _without(hole, filled)]
        missed = [Hole(low + 1, high - 1, now) for low, high in pairwise([self.seen, *new]) if high - low > 1]
        holes = tuple(sorted([*remaining, *missed])[-MAX_HOLES:])
        return Progress(new[-1] if new else self.seen, holes, self.version)


def _without(hole: Hole, keys: Iterable[int]) -> Iterator[Hole]:
    first = hole.first
    for key in keys:
        if first <= key <= hole.last:
            if key > first:
                yield Hole(first, key - 1, hole.since)
            first = key + 1
    if first <= hole.last:
        yield Hole(first, hole.last, hole.since)


def next_keys(session: Session, progress: Progress, *, limit: int) -> list[int]:
    """Return the keys of runs that were not followed yet: all in the holes of earlier keys, and `limit` new ones."""
    query = select(Run.key)
    found = session.scalars(query.where(Run.key > progress.seen).order_by(Run.key).limit(limit)).all()
    filled: list[int] = []
    for holes in chunks(progress.holes, _RANGES):
        filled += session.scalars(query.where(or_(*(Run.key.between(hole.first, hole.last) for hole in holes)))).all()
    return sorted([*filled, *found])
