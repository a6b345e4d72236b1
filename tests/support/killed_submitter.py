"""Submits as the API does and is killed after the commit: `killed_submitter job|batch COUNT`; prints the ids.

With a job it dies before the message, with a batch after half of the messages.
"""

import os
import signal
import sys
from collections.abc import Iterable, Sequence
from datetime import timedelta

from gonemaster_db.core.records import NewBatch, NewJob
from gonemaster_db.core.session import open_store
from gonemaster_tasks.app import make_app
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.queue.lists import WaitingLists
from gonemaster_tasks.broker.queue.window import MessageWindow, Outcome, QueueCut
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.config.store import store_settings
from gonemaster_tasks.control import submit
from gonemaster_tasks.control.parts import QueueParts


class DeadlyLists(WaitingLists):
    """Kills its process before a message is written."""

    def enqueue_many(self, job_ids: Iterable[str], tier: str) -> int:
        return _die(list(job_ids))


class DeadlyWindow(MessageWindow):
    """Kills its process after half of the messages."""

    def extend(self, tier: str, job_ids: Sequence[str], *, cut: QueueCut | None, to: QueueCut | None) -> Outcome:
        super().extend(tier, job_ids[: len(job_ids) // 2], cut=cut, to=to)
        return str(_die(list(job_ids)))  # type: ignore[return-value]  # never returns


def _die(ids: list[str]) -> int:
    sys.stdout.write("\n".join(ids))
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def main() -> None:
    settings = load_settings()
    submit.SUBMISSION_LIFE = timedelta(seconds=3)  # the reconciler waits this long for a submission
    broker = Broker.open(settings.broker_url)
    broker.lists = DeadlyLists(broker.address.connect())
    broker.window = DeadlyWindow(broker.address.connect(), broker.window.size)
    parts = QueueParts(open_store(store_settings(settings)), broker, make_app(settings.broker_url))
    if sys.argv[1] == "job":
        submit.submit_job(parts, NewJob("killed.test"))
    count = int(sys.argv[2])
    submit.submit_batch(parts, NewBatch(count), (NewJob(f"k{number}-50.test") for number in range(count)))


if __name__ == "__main__":
    main()
