"""Notifications of queue issues: one when an issue begins and one when it ends."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from sqlalchemy.orm import Session

from gonemaster_db.core.session import Store
from gonemaster_db.models import WatchEvent
from gonemaster_db.service.watch_states import read_state, remove_state, store_state
from gonemaster_db.service.watches import enabled_watches
from gonemaster_tasks.maintenance.watches.messages import instant, queue_message

CHECK_INTERVAL = timedelta(seconds=30)
CHECKS = 2  # Consecutive checks that must agree: an issue that has disappeared at the next check is not reported.
_STATE = "troubles"
_MAX_ISSUES = 10


class ReportedIssue(Protocol):
    """An issue as the queue health reports it, see `gonemaster_tasks.monitoring.health.Issue`."""

    @property
    def kind(self) -> str:
        """One of its KINDS."""

    @property
    def subject(self) -> str:
        """The affected object."""

    @property
    def text(self) -> str:
        """A sentence that describes the issue."""

    @property
    def since(self) -> datetime | None:
        """When the issue began, None if unknown."""

    @property
    def count(self) -> int:
        """The number of affected jobs."""


def notify_issues(store: Store, find_faults: Callable[[], Sequence[ReportedIssue]], *, now: datetime) -> int:
    """Check the queue if a check is due and a watch exists; return the number of queued deliveries.

    Raises:
        BrokerUnavailable, StoreUnavailable: as `find_faults` does.
    """
    with store.read_only() as session:
        is_wanted = any(WatchEvent.QUEUE_TROUBLE in watch.events for watch in enabled_watches(session))
        state = read_state(session, _STATE)
    if not is_wanted:
        if state is not None:
            store.run_in_transaction(partial(remove_state, name=_STATE))
        return 0
    if state is not None and now - datetime.fromisoformat(state.value["looked_at"]) < CHECK_INTERVAL:
        return 0
    kinds: Mapping[str, Any] = state.value["kinds"] if state else {}
    found: dict[str, list[ReportedIssue]] = {}
    for fault in find_faults():
        found.setdefault(fault.kind, []).append(fault)
    check = IssueCheck.at(kinds, found, now)
    return store.run_in_transaction(partial(_write, check=check, version=state.version if state else 0, now=now))


class IssueCheck:
    """The result of a check of the queue: `kinds` is the known state, `told` lists the notifications to send."""

    def __init__(self) -> None:
        self.kinds: dict[str, dict[str, Any]] = {}
        self.notified: list[tuple[str, dict[str, Any]]] = []

    @classmethod
    def at(cls, before: Mapping[str, Any], found: Mapping[str, Sequence[ReportedIssue]], now: datetime) -> "IssueCheck":
        """Compare the known state with the current issues."""
        check = cls()
        for kind in sorted({*before, *found}):
            known = before.get(kind, {"since": instant(now), "told": False, "looks": 0})
            if kind in found:
                check._is_present(kind, known, found[kind])
            elif known["told"]:
                check._is_absent(kind, known, now)
        return check

    def _is_present(self, kind: str, state: Mapping[str, Any], faults: Sequence[ReportedIssue]) -> None:
        checks = 0 if state["told"] else state["looks"] + 1
        begins = not state["told"] and checks >= CHECKS
        self.kinds[kind] = {"since": state["since"], "told": state["told"] or begins, "looks": 0 if begins else checks}
        if begins:
            shown = [_document(fault) for fault in faults[:_MAX_ISSUES]]
            number = sum(fault.count for fault in faults)
            facts = {"kind": kind, "state": "begun", "since": state["since"], "count": number, "issues": shown}
            self.notified.append((f"{kind} {state['since']} begun", facts))

    def _is_absent(self, kind: str, state: Mapping[str, Any], now: datetime) -> None:
        if state["looks"] + 1 < CHECKS:
            self.kinds[kind] = {**state, "looks": state["looks"] + 1}
            return
        facts = {"kind": kind, "state": "ended", "since": state["since"], "ended_at": instant(now)}
        self.notified.append((f"{kind} {state['since']} ended", facts))


def _document(fault: ReportedIssue) -> dict[str, Any]:
    since = instant(fault.since) if fault.since else None
    return {"subject": fault.subject, "text": fault.text, "since": since, "count": fault.count}


def _write(session: Session, *, check: IssueCheck, version: int, now: datetime) -> int:
    """Store the state and queue the notifications, unless another worker has checked in the meantime."""
    value = {"looked_at": now.isoformat(), "kinds": check.kinds}
    if not store_state(session, _STATE, value, version=version):
        return 0
    watches = [watch for watch in enabled_watches(session) if WatchEvent.QUEUE_TROUBLE in watch.events]
    return sum(
        queue_message(session, watch, WatchEvent.QUEUE_TROUBLE, name, facts, now=now)
        for name, facts in check.notified
        for watch in watches
    )
