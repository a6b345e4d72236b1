"""Timelines of watched rollovers: samples become spans, and the judgement of a timeline becomes events."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_db.models import RolloverSpan, WatchEvent
from gonemaster_db.service.rollover_spans import MAX_SPANS, add_span, extend_span, read_spans
from gonemaster_engine.automation.observation import Observation
from gonemaster_engine.automation.rollover import (
    CACHED_TEXTS,
    FAULT_TEXTS,
    Judgement,
    Span,
    judge_timeline,
    read_state,
    state_document,
    state_of,
)
from gonemaster_tasks.maintenance.watches.messages import ObservedEvent, instant

MAX_WEIGHT = 400_000  # of a timeline: 2,000 states of a zone with ten servers and six keys need less
Events = Mapping[WatchEvent, Sequence[ObservedEvent]]
"""Events by kind."""


def follow_rollover(
    session: Session, watch_id: int, found: Observation, reported: Sequence[str]
) -> tuple[Events, list[str]]:
    """Add a sample to the timeline of a watch; return the new events and the names of all reported ones."""
    state = state_of(found)
    if state is None:
        return {}, list(reported)
    spans, at = list(read_spans(session, watch_id)), datetime.fromtimestamp(found.at, UTC)
    if spans and read_state(spans[-1].state) == state:
        extend_span(spans[-1], at=at)
    elif len(spans) < MAX_SPANS and sum(_weight(span.state) for span in spans) < MAX_WEIGHT:
        spans.append(add_span(session, watch_id, at=at, state=state_document(state)))
    events = _events(found.domain, judge_spans(spans))
    known = set(reported)
    new = {event: [each for each in listed if each.name not in known] for event, listed in events.items()}
    names = [each.name for listed in events.values() for each in listed]
    return {event: listed for event, listed in new.items() if listed}, names


def _weight(state: Mapping[str, Any]) -> int:
    """Return about how many values the document of a state has."""
    parts = ("keys", "signing_keys", "signing_zone")
    return 8 * len(state["keys"]) + sum(
        4 + sum(len(server.get(part, ())) for part in ("orphans", "invalid")) + sum(len(server[part]) for part in parts)
        for server in state["servers"]
    )


def judge_spans(spans: Sequence[RolloverSpan]) -> Judgement:
    """Judge a stored timeline, which must not be empty."""
    return judge_timeline(
        [Span(_seconds(each.first_at), _seconds(each.last_at), read_state(each.state)) for each in spans]
    )


def judgement_document(found: Judgement) -> dict[str, Any]:
    """Return a judgement as a document."""
    return {
        "rollover": found.kind or None,
        "verdict": found.verdict.value,
        "completed_at": _instant(found.completed_at) if found.completed_at else None,
        "steps": [
            {"at": _instant(step.at), "step": step.kind.value, "key_tag": step.key.tag, "algorithm": step.key.algorithm}
            for step in found.steps
        ],
        "faults": [
            {
                "at": _instant(fault.at),
                "fault": fault.kind.value,
                "address": fault.address,
                "text": FAULT_TEXTS[fault.kind],
            }
            for fault in found.faults
        ],
        "deadlines": [
            {
                "since": _instant(each.since),
                "until": _instant(each.until),
                "cached": each.cached.value,
                "text": CACHED_TEXTS[each.cached],
            }
            for each in found.deadlines
        ],
    }


def _events(domain: str, found: Judgement) -> Events:
    document, about = judgement_document(found), {"domain": domain, "rollover": found.kind or None}
    steps = [
        ObservedEvent(
            f"{step['step']} {key.id} {step['at']}", {**about, **step}, _line(domain, step, "step", "key_tag")
        )
        for step, key in zip(document["steps"], (each.key for each in found.steps), strict=True)
    ]
    faults = [
        ObservedEvent(
            f"{fault['fault']} {fault['address']}", {**about, **fault}, _line(domain, fault, "text", "address")
        )
        for fault in document["faults"]
    ]
    events = {WatchEvent.ROLLOVER_STEP: steps, WatchEvent.ROLLOVER_BROKEN: faults}
    if found.completed_at:
        at = document["completed_at"]
        events[WatchEvent.ROLLOVER_COMPLETED] = [
            ObservedEvent(f"completed {at}", {**about, "at": at}, f"{domain}: {found.kind} rollover completed at {at}")
        ]
    return events


def _line(domain: str, document: Mapping[str, Any], what: str, subject: str) -> str:
    return f"{domain}: {document[what]} ({document[subject]}) at {document['at']}"


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _instant(seconds: int) -> str:
    return instant(datetime.fromtimestamp(seconds, UTC))
