"""Watches and deliveries as documents."""

from collections.abc import Mapping
from typing import Any

from gonemaster_api.errors import NotFound
from gonemaster_api.queries.searching import stored_form
from gonemaster_api.rest.paging import page_document, slice_of
from gonemaster_api.state import State
from gonemaster_db.models import Delivery, DeliveryStatus, Watch, WatchKind
from gonemaster_db.service.deliveries import list_deliveries
from gonemaster_db.service.rollover_spans import read_spans
from gonemaster_db.service.watches import get_watch, list_watches
from gonemaster_engine.automation.rollover import Judgement
from gonemaster_tasks.maintenance.watches.rollovers import judge_spans, judgement_document

_SHOWN = (
    "id", "tag", "domain", "kind", "ends_at", "transfer", "events", "url", "email", "min_level", "grade_drop",
    "policy", "enabled", "failures", "retry_at", "created_at", "updated_at",
)  # fmt: skip  # all but the secret
_OF_DELIVERY = (
    "id", "watch_id", "event", "event_count", "status", "attempts", "created_at", "last_attempt_at", "finished_at",
    "duration_ms", "response_status", "error",
)  # fmt: skip


def watch_document(watch: Watch) -> dict[str, Any]:
    """Return the document of a watch; it shows whether a secret is set, but not the secret."""
    return {name: getattr(watch, name) for name in _SHOWN} | {
        "has_secret": watch.secret is not None,
        "interval_minutes": None if watch.interval_s is None else watch.interval_s // 60,
        "hold_down_days": None if watch.hold_down_s is None else watch.hold_down_s // 86_400,
    }


def delivery_document(delivery: Delivery) -> dict[str, Any]:
    """Return the document of a delivery."""
    waits = delivery.status == DeliveryStatus.WAITING
    document = {name: getattr(delivery, name) for name in _OF_DELIVERY}
    return document | {"next_attempt_at": delivery.next_attempt_at if waits else None}


def read_watch(state: State, watch_id: int) -> dict[str, Any]:
    """Return a watch. Raises WatchNotFound."""
    with state.store.read_only() as session:
        return watch_document(get_watch(session, watch_id))


def read_watches(state: State, query: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page of watches, by id."""
    part = slice_of(query)
    chosen = {"tag": query.get("tag"), "domain": stored_form(query.get("domain"))}
    with state.store.read_only() as session:
        page = list_watches(session, **chosen, limit=part.limit, offset=part.offset)
    return page_document([watch_document(watch) for watch in page.items], page.total, part)


def read_rollover(state: State, watch_id: int) -> dict[str, Any]:
    """Return the timeline of a watched zone and its judgement.

    Raises:
        WatchNotFound: no such watch.
        NotFound: the watch is of another kind.
    """
    with state.store.read_only() as session:
        watch = get_watch(session, watch_id)
        if watch.kind is not WatchKind.ROLLOVER:
            raise NotFound("rollover", watch_id)
        spans = read_spans(session, watch_id)
    judged = judge_spans(spans) if spans else Judgement("", (), ())
    about = {"watch_id": watch_id, "domain": watch.domain, "ends_at": watch.ends_at}
    shown = [{name: getattr(span, name) for name in ("first_at", "last_at", "samples", "state")} for span in spans]
    return about | judgement_document(judged) | {"spans": shown}


def read_deliveries(state: State, watch_id: int, query: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page of the deliveries of a watch, newest first. Raises WatchNotFound."""
    part = slice_of(query)
    status = DeliveryStatus(query["status"]) if query.get("status") else None
    with state.store.read_only() as session:
        get_watch(session, watch_id)
        page = list_deliveries(session, watch_id, status=status, limit=part.limit, offset=part.offset)
    return page_document([delivery_document(delivery) for delivery in page.items], page.total, part)
