"""Changes the order of a tier and is killed during the change: `killed_order_change lock|move|rebuild TIER [JOB...]`.

With `lock` it dies while it holds the lock, with `move` after the commit and before the messages, with `rebuild` after
half of the messages. Its lock expires after a second.
"""

import os
import signal
import sys
from collections.abc import Iterable
from datetime import timedelta

from gonemaster_db.core.session import open_store
from gonemaster_tasks.app import make_app
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.processes import locks
from gonemaster_tasks.broker.queue.lists import WaitingLists
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.config.store import store_settings
from gonemaster_tasks.control.order import move_jobs
from gonemaster_tasks.control.order_changes import QUEUE_ORDER, rebuild_tier
from gonemaster_tasks.control.parts import QueueParts


class DeadlyLists(WaitingLists):
    """Kills its process when messages are moved or written."""

    def move(self, *_arguments: object, **_named: object) -> list[str]:
        return [str(_die())]

    def enqueue_many(self, job_ids: Iterable[str], tier: str) -> int:
        ids = list(job_ids)
        super().enqueue_many(ids[: len(ids) // 2], tier)
        return _die()


def _die() -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def main() -> None:
    what, tier, *job_ids = sys.argv[1:]
    locks.LIFE = timedelta(seconds=1)
    settings = load_settings()
    broker = Broker.open(settings.broker_url)
    broker.lists = DeadlyLists(broker.address.connect())
    parts = QueueParts(open_store(store_settings(settings)), broker, make_app(settings.broker_url))
    if what == "move":
        move_jobs(parts, job_ids, to="front")
    with broker.locks.exclusive(QUEUE_ORDER):
        if what == "rebuild":
            rebuild_tier(parts.store, broker, tier)
        _die()


if __name__ == "__main__":
    main()
