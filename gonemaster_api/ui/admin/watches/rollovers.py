"""The page of a watched rollover: verdict, picture, steps, deadlines, faults and states."""

from flask import Blueprint, Response

from gonemaster_api.queries.watches import read_rollover, read_watch
from gonemaster_api.state import state
from gonemaster_api.ui.admin.watches.words import (
    cached_texts,
    fault_texts,
    rollover_names,
    step_names,
    transfer_texts,
    use_names,
    verdict_texts,
)
from gonemaster_api.ui.shell.charts.rollovers import (
    MOST_STATES,
    NARROW,
    WIDE,
    groups_of,
    listed_states,
    timeline_of,
    transfers_of,
)
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.texts.formats import axis

blueprint = Blueprint("ui_rollovers", __name__)
_LISTED = 100


@blueprint.get("/watches/<int(max=9223372036854775807):watch_id>/rollover")
def show(watch_id: int) -> Response:
    """Show the timeline of a watched zone."""
    watch, found = read_watch(state(), watch_id), read_rollover(state(), watch_id)
    spans = found["spans"]
    newest = spans[-MOST_STATES:]
    pictures = [picture for picture in (timeline_of(found, WIDE), timeline_of(found, NARROW)) if picture]
    return page(
        "admin/watches/rollover.html",
        watch=watch,
        found=found,
        pictures=[(picture, axis([at for _, at in picture.ticks])) for picture in pictures],
        verdict=verdict_texts()[found["verdict"]],
        kinds=rollover_names(),
        steps=step_names(),
        faults=fault_texts(),
        caches=cached_texts(),
        uses=use_names(),
        transfers=transfers_of(newest[-1]["state"]) if watch["transfer"] and newest else (),
        outcomes=transfer_texts(),
        servers=sum(len(group.servers) for group in groups_of(newest)),
        samples=sum(span["samples"] for span in spans),
        states=list(listed_states(newest))[: -_LISTED - 1 : -1],
        drawn=len(newest),
    )
