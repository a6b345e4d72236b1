"""Bulk removal in short transactions, so that no other transaction waits long."""

from collections.abc import Callable, Iterator
from time import monotonic, sleep

from sqlalchemy.orm import Session

from gonemaster_db.session import Store

Step = Callable[[Session, int], int]
"""Removes up to this number of rows and returns how many; 0 when none is left."""

_FIRST_STEP = 25
_MAX_STEP = 2000
_TARGET_S = 0.25
_MAX_PAUSE_S = 0.25


def purge_in_steps(
    store: Store, step: Step, *, stopped: Callable[[], bool] = lambda: False, max_step: int | None = None
) -> Iterator[int]:
    """Remove until nothing is left or `stopped`; yields the number of removed rows after each commit.

    The step size adapts so that each transaction takes about a quarter of a second on any machine. The pauses
    between them let other writers in: SQLite has one writer and no queue for it.
    """
    size = _FIRST_STEP
    while not stopped():
        removed, took_s = _timed(store, step, size)
        if not removed:
            return
        yield removed
        size = max(1, min(max_step or _MAX_STEP, 2 * size, int(size * _TARGET_S / max(took_s, 0.001))))
        sleep(min(_MAX_PAUSE_S, took_s / 2))


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
