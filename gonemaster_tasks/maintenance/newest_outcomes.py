"""Lets domains know the outcomes of their newest runs: after an upgrade, and beside a release that writes none."""

import logging
from collections.abc import Callable
from time import monotonic, sleep

from gonemaster_db.core.session import Store
from gonemaster_db.runs.newest_outcomes import STEP, note_outcomes, outcomes_known

log = logging.getLogger(__name__)

_LONGEST_REST_S = 0.25


def note_newest_outcomes(store: Store, *, stopped: Callable[[], bool] = lambda: False) -> int:
    """Note all that are unknown, or until `stopped`, in steps with rests; returns the number of domains."""
    with store.read_only() as session:
        if outcomes_known(session):
            return 0
    noted, count, began = 0, STEP, monotonic()
    while count == STEP and not stopped():
        count = store.run_in_transaction(note_outcomes)
        noted += count
        sleep(min(_LONGEST_REST_S, monotonic() - began))
        began = monotonic()
    if noted >= STEP:
        log.info("outcomes of newest runs noted", extra={"domains": noted})
    return noted
