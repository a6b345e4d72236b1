"""The start page: what runs here, and where the documentation is."""

import platform
from dataclasses import dataclass

from flask import Blueprint, render_template

from gonemaster_api.queries.health import read_parts
from gonemaster_api.state import State, state
from gonemaster_engine.version import __version__
from gonemaster_tasks.broker.workers import WorkerState
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.queues import TIERS

blueprint = Blueprint("start", __name__)


@dataclass(frozen=True)
class QueueGlance:
    """How much waits in each tier, what is paused, and who works."""

    depths: dict[str, int]
    paused: frozenset[str]
    workers: list[WorkerState]

    @property
    def running(self) -> int:
        """Jobs that workers have in hand."""
        return sum(len(worker.running) for worker in self.workers)


@blueprint.get("/")
def page() -> str:
    """Show versions, parts, queue and workers."""
    shared = state()
    return render_template(
        "start/page.html",
        version=__version__,
        python=platform.python_version(),
        parts=read_parts(shared),
        store="PostgreSQL" if shared.settings.db_driver == "postgres" else "SQLite",
        queue=_glance(shared),
        started_at=shared.started_at,
    )


def _glance(shared: State) -> QueueGlance | None:
    try:
        depths = shared.broker.lists.depths()
        return QueueGlance(
            {tier: depths[tier] for tier in TIERS},
            frozenset(shared.broker.marks.controls().paused),
            shared.broker.workers.live(),
        )
    except BrokerUnavailable:
        return None
