"""Routes of watches: create, change, delete, test, list deliveries."""

from typing import Any

from flask.views import MethodView

from gonemaster_api.queries.watches import (
    delivery_document,
    read_deliveries,
    read_rollover,
    read_watch,
    read_watches,
    watch_document,
)
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.rest.fields import MAX_ID
from gonemaster_api.state import state
from gonemaster_api.use_cases.watches import change_watch, make_watch, queue_test_message, remove_watch
from gonemaster_api.v1.watches.schemas import (
    DeliveryListQuerySchema,
    DeliveryPageSchema,
    DeliverySchema,
    NewWatchSchema,
    RolloverSchema,
    WatchChangeSchema,
    WatchListQuerySchema,
    WatchPageSchema,
    WatchSchema,
)
from gonemaster_api.web.actor import who

blueprint = Blueprint("watches", __name__, url_prefix="/watches", description="Notifications about changes")

_BY_ID = f"/<int(min=1, max={MAX_ID}):watch_id>"


@blueprint.route("")
class Watches(MethodView):
    """Creation and list of watches."""

    @blueprint.arguments(WatchListQuerySchema, location="query")
    @blueprint.response(200, WatchPageSchema)
    @blueprint.refuses(_400="invalid_limit, invalid_offset, invalid_cursor")
    def get(self, query: dict[str, Any]) -> Any:
        """List watches by id."""
        return read_watches(state(), query)

    @blueprint.arguments(NewWatchSchema)
    @blueprint.response(201, WatchSchema)
    @blueprint.refuses(
        _400="missing_subject, ambiguous_subject, missing_receiver, ambiguous_receiver, missing_events, "
        "invalid_events, invalid_domain, invalid_url, invalid_email, email_not_configured, invalid_min_level, "
        "invalid_grade_drop, invalid_secret, invalid_policy, policy_not_found, "
        "invalid_kind, invalid_interval_minutes, invalid_hold_down_days, "
        "invalid_window_hours, invalid_transfer",
        _404="not_found",
        _409="too_many_watches",
    )
    def post(self, request_body: dict[str, Any]) -> Any:
        """Create a watch for a tag or a domain; earlier events are not reported."""
        return watch_document(make_watch(state(), request_body, who=who()))


@blueprint.route(_BY_ID)
class WatchById(MethodView):
    """One watch."""

    @blueprint.response(200, WatchSchema)
    @blueprint.refuses(_404="not_found")
    def get(self, watch_id: int) -> Any:
        """Show a watch."""
        return read_watch(state(), watch_id)

    @blueprint.arguments(WatchChangeSchema)
    @blueprint.response(200, WatchSchema)
    @blueprint.refuses(
        _400="invalid_events, invalid_url, invalid_email, invalid_min_level, invalid_grade_drop, invalid_secret, "
        "invalid_enabled, invalid_interval_minutes, invalid_hold_down_days, invalid_window_hours, "
        "invalid_transfer",
        _404="not_found",
    )
    def patch(self, request_body: dict[str, Any], watch_id: int) -> Any:
        """Change, disable or enable a watch."""
        return watch_document(change_watch(state(), watch_id, request_body, who=who()))

    @blueprint.response(204)
    @blueprint.refuses(_404="not_found")
    def delete(self, watch_id: int) -> None:
        """Delete a watch and its deliveries."""
        remove_watch(state(), watch_id, who=who())


@blueprint.route(f"{_BY_ID}/test")
class WatchTest(MethodView):
    """A test of the receiver."""

    @blueprint.response(202, DeliverySchema)
    @blueprint.refuses(_404="not_found", _409="watch_disabled, no_receiver")
    def post(self, watch_id: int) -> Any:
        """Send a test message; the deliveries show its outcome."""
        return delivery_document(queue_test_message(state(), watch_id, who=who()))


@blueprint.route(f"{_BY_ID}/rollover")
class Rollover(MethodView):
    """The timeline of a zone whose rollover is watched."""

    @blueprint.response(200, RolloverSchema)
    @blueprint.refuses(_404="not_found, also for a watch of another kind")
    def get(self, watch_id: int) -> Any:
        """Show the states of the zone, the steps of its rollover and their faults."""
        return read_rollover(state(), watch_id)


@blueprint.route(f"{_BY_ID}/deliveries")
class Deliveries(MethodView):
    """The deliveries of a watch."""

    @blueprint.arguments(DeliveryListQuerySchema, location="query")
    @blueprint.response(200, DeliveryPageSchema)
    @blueprint.refuses(_400="invalid_status, invalid_limit, invalid_offset, invalid_cursor", _404="not_found")
    def get(self, query: dict[str, Any], watch_id: int) -> Any:
        """List deliveries, newest first; completed deliveries are kept for 30 days."""
        return read_deliveries(state(), watch_id, query)
