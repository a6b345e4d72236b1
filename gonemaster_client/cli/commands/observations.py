"""Commands about decisions about DS records, and about rollovers."""

from __future__ import annotations

import argparse
from typing import Any

from gonemaster_client.calls import observations
from gonemaster_client.cli.output import Columns
from gonemaster_client.cli.session import Session

_DECISIONS: Columns = {
    "ID": "id", "Domain": "domain", "Action": "action", "Reason": "reason",
    "DS": lambda decision: "; ".join(map(_ds_text, decision["ds"])), "Decided": "decided_at",
}  # fmt: skip
_SHOWN = {
    "id": "id", "domain": "domain", "action": "action", "reason": "reason", "text": "text", "decided_at": "decided_at",
    "epp": "epp",
}  # fmt: skip
_EVENTS: Columns = {"Time": "at", "Event": "event", "About": "about"}


def _ds_text(record: Any) -> str:
    return f"{record['keyTag']} {record['alg']} {record['digestType']} {record['digest']}"


def decisions(session: Session, options: argparse.Namespace) -> None:
    """List decisions."""
    names = ("action", "reason", "domain", "tag", "watch_id", "cursor")
    query: Any = {name: getattr(options, name) for name in names}
    found = session.client.each(observations.decisions(**query), options.limit or None)
    session.output.items(found, _DECISIONS, empty="No decisions.")


def decision(session: Session, options: argparse.Namespace) -> None:
    """Show a decision."""
    found: Any = session.client.send(observations.decision(options.id))
    session.output.document(found, _SHOWN)


def rollover(session: Session, options: argparse.Namespace) -> None:
    """Show the judgement and the events of a rollover; JSON has the whole timeline."""
    found: Any = session.client.send(observations.rollover(options.id))
    if not session.output.is_pretty:
        session.output.json(found)
        return
    session.output.document(
        {name: found[name] for name in ("domain", "rollover", "verdict", "completed_at", "ends_at")}
    )
    steps = [
        {"at": step["at"], "event": step["step"], "about": f"key {step['key_tag']}, algorithm {step['algorithm']}"}
        for step in found["steps"]
    ]
    faults = [
        {"at": fault["at"], "event": fault["fault"], "about": f"{fault['address']}: {fault['text']}"}
        for fault in found["faults"]
    ]
    events = sorted([*steps, *faults], key=lambda event: event["at"])
    session.output.items(events, _EVENTS, empty="No steps.")
