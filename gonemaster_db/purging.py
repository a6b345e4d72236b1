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
        began = monotonic()
        removed = _removed(store, step, size)
        took_s = monotonic() - began
        if not removed:
            return
        yield removed
        size = max(1, min(_MOST, 2 * size, int(size * _WANTED_S / max(took_s, 0.001))))
        sleep(min(_LONGEST_REST_S, took_s / 2))


def _removed(store: Store, step: Step, size: int) -> int:
    return store.run(lambda session: step(session, size))
