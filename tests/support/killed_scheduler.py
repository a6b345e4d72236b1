"""Runs due schedules as a worker does and is killed: `killed_scheduler storing|stored`.

With `storing` it dies while the jobs of a batch are stored, with `stored` after the commit and before any message.
"""

import os
import signal
import sys
from collections.abc import Iterator
from datetime import timedelta

from gonemaster_db.core.records import NewJob
from gonemaster_db.core.session import open_store
from gonemaster_tasks.app import make_app
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.config.store import store_settings
from gonemaster_tasks.control import submit
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.maintenance import recurring
from gonemaster_tasks.maintenance.tag_jobs import jobs_of_tag


def _die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _deadly(jobs: Iterator[NewJob]) -> Iterator[NewJob]:
    yield next(jobs)
    _die()


def main() -> None:
    settings = load_settings()
    submit.SUBMISSION_LIFE = timedelta(seconds=3)  # the reconciler waits this long for a submission
    broker = Broker.open(settings.broker_url)
    parts = QueueParts(open_store(store_settings(settings)), broker, make_app(settings.broker_url))
    if sys.argv[1] == "storing":
        vars(recurring)["jobs_of_tag"] = lambda *arguments, **named: _deadly(jobs_of_tag(*arguments, **named))
    else:
        vars(recurring)["enqueue_batch"] = _die
    recurring.run_due_schedules(parts, max_batch_size=1000)


if __name__ == "__main__":
    main()
