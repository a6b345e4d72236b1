"""The list of watches, and the page of one watch with its deliveries."""

from flask import Blueprint, Response

from gonemaster_api.queries.watches import read_deliveries, read_watch, read_watches
from gonemaster_api.state import state
from gonemaster_api.ui.admin.watches.words import event_names, kind_names, receiver, status_names, subject
from gonemaster_api.ui.shell.forms.forms import read_query
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.v1.watches.schemas import DeliveryListQuerySchema, WatchListQuerySchema

blueprint = Blueprint("ui_watches", __name__)
PER_PAGE = 50


@blueprint.get("/watches")
def show() -> Response:
    """List watches."""
    query = read_query(WatchListQuerySchema, limit=PER_PAGE)
    return page(
        "admin/watches/list.html",
        status=query.status,
        query=query,
        listed=read_watches(state(), query.values),
        events=event_names(),
        kinds=kind_names(),
        receiver=receiver,
        subject=subject,
    )


@blueprint.get("/watches/<int(max=9223372036854775807):watch_id>")
def detail(watch_id: int) -> Response:
    """Show a watch and a page of its deliveries, newest first."""
    watch = read_watch(state(), watch_id)
    query = read_query(DeliveryListQuerySchema, limit=PER_PAGE)
    deliveries = read_deliveries(state(), watch_id, query.values)
    return page(
        "admin/watches/detail.html",
        status=query.status,
        watch=watch,
        query=query,
        deliveries=deliveries,
        waits=any(delivery["status"] == "waiting" for delivery in deliveries["items"]),
        events=event_names(),
        kinds=kind_names(),
        statuses=status_names(),
        title=subject(watch),
        receiver=receiver(watch),
    )
