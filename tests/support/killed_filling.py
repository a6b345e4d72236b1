"""Fills a batch as a worker does and is killed: `killed_filling scan|commit|message|end`.

With `scan` it dies while it reads the lines, with `commit` in the transaction of the second chunk, with `message` after
that commit and before the messages, with `end` after the last job.
"""

import os
import signal
import sys
from datetime import timedelta
from typing import Any

from gonemaster_db.core.session import open_store
from gonemaster_tasks.app import make_app
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.config.store import store_settings
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.control.sweeps import filling
from gonemaster_tasks.maintenance.operations import perform_due_operations

_PLACES = {"scan": "profiles_of", "commit": "write_jobs", "message": "send_new", "end": "end_sweep"}


def _dying_at(call: int, work: Any) -> Any:
    calls = 0

    def die(*args: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return work(*args, **named)

    return die


def main() -> None:
    place = sys.argv[1]
    settings = load_settings()
    parts = QueueParts(
        open_store(store_settings(settings)), Broker.open(settings.broker_url), make_app(settings.broker_url)
    )
    setattr(filling, "MAX_SLAB_SIZE", 10)  # noqa: B010 - the module imports the constant
    name = _PLACES[place]
    setattr(filling, name, _dying_at(1 if place in ("scan", "end") else 2, getattr(filling, name)))
    perform_due_operations(parts, worker="killed", now=parts.clock.now, lease=timedelta(minutes=1))


if __name__ == "__main__":
    main()
