"""A running test as a page shows it: the way to the zone as far as it was found, and the test cases that ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from gonemaster_api.ui.shell.charts.ways import WayBand, way_so_far
from gonemaster_api.ui.shell.texts.formats import u_label
from gonemaster_api.ui.shell.texts.languages import gettext
from gonemaster_api.ui.shell.texts.words import module_name
from gonemaster_db.core.clock import utcnow
from gonemaster_db.models import Job, JobStatus
from gonemaster_engine import names

_FAST = timedelta(seconds=30)


class ModuleProgress(NamedTuple):
    """The test cases of a module; `state` is done, running or waiting."""

    name: str
    ended: int
    total: int
    state: str


def is_fast(job: Job) -> bool:
    """Return whether the page of a job is refreshed each second; viewers of a long test must not reach a limit."""
    started_at = job.started_at if job.status is JobStatus.RUNNING else None
    return started_at is not None and utcnow() < started_at + _FAST


@dataclass(frozen=True)
class LiveTest:
    """A running test."""

    domain: str
    way: Sequence[WayBand]
    modules: Sequence[ModuleProgress]
    queries: int
    levels: Mapping[str, int]

    @property
    def ended(self) -> int:
        """The number of test cases that ended."""
        return sum(module.ended for module in self.modules)

    @property
    def total(self) -> int:
        """The number of test cases."""
        return sum(module.total for module in self.modules)

    @property
    def phase(self) -> str:
        """What the test does now, in one line."""
        lowest = self.way[-1].zone if self.way else names.ROOT
        if lowest == self.domain:
            return gettext("Querying the name servers of the zone")
        if lowest == names.ROOT:
            return gettext("Querying the root servers")
        return gettext("Querying the name servers of %(zone)s", zone=u_label(lowest))


def live_test(domain: str, found: Any) -> LiveTest | None:
    """Return a running test for its page, None if nothing is known or another release wrote it."""
    try:
        modules = [_module(*counted) for counted in found["modules"]]
        levels = {str(level): int(number) for level, number in found["levels"].items()}
        return LiveTest(domain, way_so_far(found), modules, int(found["queries"]), levels)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _module(name: str, ended: int, total: int) -> ModuleProgress:
    state = "done" if ended >= total else "running" if ended else "waiting"
    return ModuleProgress(module_name(name), int(ended), int(total), state)
