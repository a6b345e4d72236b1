"""Watches and deliveries as documents."""

from collections.abc import Mapping
from typing import Any

from gonemaster_api.queries.searching import stored_form
from gonemaster_api.rest.paging import page_document, slice_of
from gonemaster_api.state import State
from gonemaster_db.models import Delivery, DeliveryStatus, Watch
from gonemaster_db.service.deliveries import list_deliveries
from gonemaster_db.service.watches import get_watch, list_watches

_SHOWN = (
    "id", "tag", "domain", "events", "url", "email", "min_level", "grade_drop", "enabled", "failures", "retry_at",
    "created_at", "updated_at",
)  # fmt: skip  # all but the secret
_OF_DELIVERY = (
    "id", "watch_id", "event", "event_count", "status", "attempts", "created_at", "last_attempt_at", "finished_at",
    "duration_ms", "response_status", "error",
)  # fmt: skip


def watch_document(watch: Watch) -> dict[str, Any]:
    """Return the document of a watch; it shows whether a secret is set, but not the secret."""
    return {name: getattr(watch, name) for name in _SHOWN} | {"has_secret": watch.secret is not None}


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


def read_deliveries(state: State, watch_id: int, query: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page of the deliveries of a watch, newest first. Raises WatchNotFound."""
    part = slice_of(query)
    status = DeliveryStatus(query["status"]) if query.get("status") else None
    with state.store.read_only() as session:
        get_watch(session, watch_id)
        page = list_deliveries(session, watch_id, status=status, limit=part.limit, offset=part.offset)
    return page_document([delivery_document(delivery) for delivery in page.items], page.total, part)
