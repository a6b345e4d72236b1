"""Each queue has a consumer, and each task that is sent has a worker that knows it: otherwise messages wait forever."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest
from celery import Celery

from gonemaster_tasks.app import make_app
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.queues import DELIVER, OPERATE, ORDER, PURGE, REAP, ROUTES, RUN, RUN_SCHEDULES, TIERS, WATCH
from gonemaster_tasks.worker.execute.process import Process
from gonemaster_tasks.worker.main import register_tasks


@pytest.fixture
def app() -> Iterator[Celery]:
    """An application with the tasks of a worker; nothing is sent."""
    app = make_app("redis://localhost")
    register_tasks(app, cast("Process", None))
    yield app
    app.close()


def test_a_worker_with_default_settings_consumes_every_queue(app: Celery) -> None:
    assert sorted(Settings().worker_queues) == sorted(ORDER)
    assert sorted(queue.name for queue in app.conf.task_queues) == sorted(ORDER)
    assert set(TIERS) < set(ORDER)


def test_a_worker_knows_each_task_and_its_queue_is_consumed(app: Celery) -> None:
    for name in (RUN, REAP, PURGE, OPERATE, RUN_SCHEDULES, WATCH, DELIVER):
        assert name in app.tasks
        assert ROUTES.get(name, {"queue": app.conf.task_default_queue})["queue"] in ORDER


def test_what_beat_sends_is_known_and_consumed(app: Celery) -> None:
    for entry in app.conf.beat_schedule.values():
        assert entry["task"] in app.tasks
        assert entry["options"]["queue"] in Settings().worker_queues
