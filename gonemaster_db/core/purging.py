"""Bulk removal in short transactions, so that no other transaction waits long."""

from collections.abc import Callable, Iterator
from time import monotonic, sleep
from typing import NamedTuple

from sqlalchemy.orm import Session

from gonemaster_db.core.session import Store

Step = Callable[[Session, int], int]
"""A function that removes at most the given number of rows and returns how many it removed; 0 if no row is left."""


class PurgePace(NamedTuple):
    """The smallest step, the target seconds of a step, and the pause after it as a share of its duration.

    The smallest step bounds the overhead: on a busy machine, a smaller step takes just as long.
    """

    least: int
    target_s: float
    pause: float


# Writers on SQLite wait for the whole step, in each of the three transactions of a job. On PostgreSQL only writers of
# the same domains wait, so the pause can be short.
PACES = {"sqlite": PurgePace(50, 0.04, 0.5), "postgresql": PurgePace(500, 0.25, 0.05)}
MAX_STEP = 2000
_MAX_PAUSE_S = 0.25


def purge_in_steps(
    store: Store, step: Step, *, stopped: Callable[[], bool] = lambda: False, max_step: int | None = None
) -> Iterator[int]:
    """Remove rows until no row is left or `stopped` returns True; yield the number of removed rows after each commit.

    The step size adapts so that each transaction takes about the same time on any machine. The pauses let other writers
    in: SQLite has one writer and no queue for it.
    """
    maximum = max_step or MAX_STEP
    pace = PACES[store.engine.dialect.name]
    size = least = min(pace.least, maximum)
    while not stopped():
        removed, took_s = _timed(store, step, size)
        if not removed:
            return
        yield removed
        size = max(least, min(maximum, 2 * size, int(size * pace.target_s / max(took_s, 0.001))))
        sleep(min(_MAX_PAUSE_S, took_s * pace.pause))


def _timed(store: Store, step: Step, size: int) -> tuple[int, float]:
    """Return the rows removed by a step and the seconds of its transaction, without the wait for the write lock."""
    start = monotonic()

    def work(session: Session) -> int:
        nonlocal start
        session.connection()  # on SQLite this waits for the write lock
        start = monotonic()
        return step(session, size)

    removed = store.run_in_transaction(work)
    return removed, monotonic() - start
