"""Removing much in short transactions, so that nobody waits long for any of them."""

from collections.abc import Callable, Iterator
from time import monotonic, sleep

from sqlalchemy.orm import Session

from gonemaster_db.session import Store

Step = Callable[[Session, int], int]
"""Removes up to so many runs and returns how many; 0 when none are left."""

_FIRST = 25
_MOST = 500
_WANTED_S = 0.25
_LONGEST_REST_S = 0.25


def purge_in_steps(store: Store, step: Step, *, stopped: Callable[[], bool] = lambda: False) -> Iterator[int]:
    """Remove until nothing is left or `stopped`; yields after each commit how many went.

    Steps grow and shrink so that each takes about a quarter of a second on whatever machine this is. Between
    them others get their turn, which SQLite's single writer needs.
    """
    size = _FIRST
    while not stopped():
        removed, took_s = _timed(store, step, size)
        if not removed:
            return
        yield removed
        size = max(1, min(_MOST, 2 * size, int(size * _WANTED_S / max(took_s, 0.001))))
        sleep(min(_LONGEST_REST_S, took_s / 2))


def _timed(store: Store, step: Step, size: int) -> tuple[int, float]:
    """Return what one step removed and the seconds of its transaction, without those it waited for its turn."""
    began = monotonic()

    def work(session: Session) -> int:
        nonlocal began
        session.connection()  # on SQLite this waits for the other writer
        began = monotonic()
        return step(session, size)

    removed = store.run(work)
    return removed, monotonic() - began
