"""Decisions about DS records, and timelines of watched key rollovers."""

from dataclasses import dataclass
from typing import Any, Unpack

from gonemaster_client.calls.description import Call, Pages, get
from gonemaster_client.documents import CdsDecision, CdsEvidence, Rollover
from gonemaster_client.parameters import GetCdsDecisions


@dataclass(frozen=True)
class Feed(Pages[CdsDecision]):
    """A list that grows: its cursor is also valid at the end, where a page has no items."""

    def following(self, call: Call[Any], document: Any) -> Call[Any] | None:
        """Return the request for the next page, or None after an empty page."""
        return call.with_query(cursor=document["next_cursor"]) if document["items"] else None


def decisions(**query: Unpack[GetCdsDecisions]) -> Feed:
    """List decisions after a cursor, oldest first."""
    return Feed(get("/cds-decisions", query=query))


def decision(decision_id: int) -> Call[CdsEvidence]:
    """Show a decision with the observation that it follows from."""
    return get("/cds-decisions/{}", decision_id)


def rollover(watch_id: int) -> Call[Rollover]:
    """Show the timeline of a watched rollover, with its judgement."""
    return get("/watches/{}/rollover", watch_id)
