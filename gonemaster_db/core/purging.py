"""Bulk removal in short transactions, so that no other transaction waits long."""

from collections.abc import Callable, Iterator
from time import monotonic, sleep
from typing import NamedTuple

from sqlalchemy.orm import Session

from gonemaster_db.core.session import Store

Step = Callable[[Session, int], int]
"""Removes up to this number of rows and returns how many; 0 when none is left."""


class PurgePace(NamedTuple):
    """The smallest step, the seconds that a step shall take, and the pause after it as a share of what it took.

    A smaller step on a busy machine takes as long, whatever it removes.
    """

    least: int
    target_s: float
    pause: float


# The writers of SQLite wait for the whole step, with each of the three transactions of a job; those of PostgreSQL only
# for the same domains, so it needs hardly a pause.
PACES = {"sqlite": PurgePace(50, 0.04, 0.5), "postgresql": PurgePace(500, 0.25, 0.05)}
MAX_STEP = 2000
_MAX_PAUSE_S = 0.25


def purge_in_steps(
    store: Store, step: Step, *, stopped: Callable[[], bool] = lambda: False, max_step: int | None = None
) -> Iterator[int]:
    """Remove until nothing is left or `stopped`; yields the number of removed rows after each commit.

    The step size adapts so that each transaction takes about the same time on any machine. The pauses between them let
    other writers in: SQLite has one writer and no queue for it.
    """
    most = max_step or MAX_STEP
    pace = PACES[store.engine.dialect.name]
    size = least = min(pace.least, most)
    while not stopped():
        removed, took_s = _timed(store, step, size)
        if not removed:
            return
        yield removed
        size = max(least, min(most, 2 * size, int(size * pace.target_s / max(took_s, 0.001))))
        sleep(min(_MAX_PAUSE_S, took_s * pace.pause))


def _timed(store: Store, step: Step, size: int) -> tuple[int, float]:
    """Return what one step removed and the seconds its transaction took, without the wait for the write lock."""
    began = monotonic()

    def work(session: Session) -> int:
        nonlocal began
        session.connection()  # on SQLite this waits for the write lock
        began = monotonic()
        return step(session, size)

    removed = store.run_in_transaction(work)
    return removed, monotonic() - began
