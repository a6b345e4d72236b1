"""Changes a tier and is killed during the change: `killed_order_change lock|move|rebuild|refill TIER [JOB...]`.

With `lock` it dies while it holds the lock, with `move` after the commit and before the messages, with `rebuild` and
`refill` after the first five messages. Its lock expires after a second.
"""

import os
import signal
import sys
from collections.abc import Sequence
from datetime import timedelta

from gonemaster_db.core.session import open_store
from gonemaster_tasks.app import make_app
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.processes import locks
from gonemaster_tasks.broker.queue.lists import WaitingLists
from gonemaster_tasks.broker.queue.window import MessageWindow, Outcome, QueueCut
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.config.store import store_settings
from gonemaster_tasks.control.messages import window
from gonemaster_tasks.control.order import move_jobs
from gonemaster_tasks.control.order_changes import QUEUE_ORDER, rebuild_tier, refill_tier
from gonemaster_tasks.control.parts import QueueParts


class DeadlyLists(WaitingLists):
    """Kills its process when messages are moved."""

    def move(self, *_arguments: object, **_named: object) -> list[str]:
        return [str(_die())]


class DeadlyWindow(MessageWindow):
    """Kills its process after the first messages."""

    def extend(self, tier: str, job_ids: Sequence[str], *, cut: QueueCut | None, to: QueueCut | None) -> Outcome:
        outcome = super().extend(tier, job_ids, cut=cut, to=to)
        if job_ids:
            _die()
        return outcome


def _die() -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def main() -> None:
    what, tier, *job_ids = sys.argv[1:]
    locks.LIFE = timedelta(seconds=1)
    settings = load_settings()
    broker = Broker.open(settings.broker_url)
    broker.lists = DeadlyLists(broker.address.connect())
    broker.window = DeadlyWindow(broker.address.connect(), broker.window.size)
    setattr(window, "SLICE", 5)  # noqa: B010 - the module imports the constant
    parts = QueueParts(open_store(store_settings(settings)), broker, make_app(settings.broker_url))
    if what == "move":
        move_jobs(parts, job_ids, to="front")
    if what == "refill":
        refill_tier(parts.store, broker, tier)
    with broker.locks.exclusive(QUEUE_ORDER):
        if what == "rebuild":
            rebuild_tier(parts.store, broker, tier)
        _die()


if __name__ == "__main__":
    main()
