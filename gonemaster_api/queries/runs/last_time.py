"""What changed since the previous run of a domain, by root cause."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from gonemaster_api.queries.causes import cause_title, worst_first
from gonemaster_api.queries.runs.results import RunWithEntries
from gonemaster_api.state import State
from gonemaster_db.runs.causes import RunCauses, list_causes_before
from gonemaster_engine.findings.causes.model import Cause

_MAX_RUNS = 200  # how far back `since` looks


class ClearedCause(NamedTuple):
    """A cause that the previous run had; `since` is the first of the consecutive runs with it."""

    title: str
    since: datetime


@dataclass(frozen=True)
class LastTime:
    """The previous run of a domain, and which causes appeared, cleared and stayed since."""

    before: RunCauses
    appeared: Sequence[Cause]
    cleared: Sequence[ClearedCause]
    stayed: Sequence[Cause]
    since: Mapping[str, datetime]  # the first of the consecutive runs with a cause, by its ID

    @property
    def is_same(self) -> bool:
        """Whether the causes are the same as before."""
        return not (self.appeared or self.cleared)


def read_last_time(state: State, finished: RunWithEntries, *, only_public: bool, locale: str) -> LastTime | None:
    """Compare a run with the previous successful run of its domain; None if there is none or the run failed."""
    if finished.score is None and not finished.causes:
        return None
    with state.store.read_only() as session:
        earlier = list_causes_before(session, finished.run, only_public=only_public, limit=_MAX_RUNS)
    if not earlier:
        return None
    before, now = earlier[0].causes, {cause.id for cause in finished.causes}
    return LastTime(
        before=earlier[0],
        appeared=[cause for cause in finished.causes if cause.id not in before],
        cleared=[
            ClearedCause(cause_title(cause, locale=locale), _since(cause, earlier, earlier[0].finished_at))
            for cause in worst_first(before - now)
        ],
        stayed=[cause for cause in finished.causes if cause.id in before],
        since={cause.id: _since(cause.id, earlier, finished.run.finished_at) for cause in finished.causes},
    )


def _since(cause: str, earlier: Sequence[RunCauses], newest: datetime) -> datetime:
    """Return the time of the first of the consecutive runs, up to the newest, that have a cause."""
    for run in earlier:
        if cause not in run.causes:
            break
        newest = run.finished_at
    return newest
