"""The list of decisions about DS records, newest first, and the page of one decision with its evidence."""

from collections.abc import Iterator, Mapping
from typing import Any

from flask import Blueprint, Response, url_for
from marshmallow import validate

from gonemaster_api.queries.cds_decisions import read_decision, read_newest_decisions
from gonemaster_api.rest.fields import MAX_ID, QueryInteger
from gonemaster_api.state import state
from gonemaster_api.ui.admin.decisions.words import action_names, reason_names, reason_texts
from gonemaster_api.ui.admin.lists import tag_names
from gonemaster_api.ui.shell.forms.forms import read_query
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.texts.languages import language
from gonemaster_api.v1.cds_decisions.schemas import CdsDecisionFilterSchema
from gonemaster_engine.findings.messages import message

blueprint = Blueprint("ui_cds_decisions", __name__)
PER_PAGE = 50
_FILTERS = ("action", "reason", "domain", "tag", "watch_id")


class DecisionPageSchema(CdsDecisionFilterSchema):
    """The filter of the page."""

    before = QueryInteger(validate=validate.Range(1, MAX_ID))


@blueprint.get("/cds-decisions")
def show() -> Response:
    """List decisions."""
    query = read_query(DecisionPageSchema, limit=PER_PAGE)
    chosen = {name: query.values[name] for name in _FILTERS if query.values.get(name)}
    return page(
        "admin/decisions/list.html",
        status=query.status,
        query=query,
        chosen=chosen,
        listed=read_newest_decisions(state(), query.values),
        csv=url_for("cds_decisions.CdsDecisions", **chosen, format="csv"),
        actions=action_names(),
        reasons=reason_names(),
        tags=tag_names(state()),
    )


@blueprint.get(f"/cds-decisions/<int(min=1, max={MAX_ID}):decision_id>")
def detail(decision_id: int) -> Response:
    """Show a decision with the observation that it follows from."""
    found = read_decision(state(), decision_id)
    return page(
        "admin/decisions/detail.html",
        decision=found,
        changes=list(_changes(found)),
        evidence=found["evidence"],
        signals=[
            message(each["tag"], "DNSSEC", each["args"], locale=language())
            for each in found["evidence"].get("signals", ())
        ],
        actions=action_names(),
        reasons=reason_names(),
        texts=reason_texts(),
        json=url_for("cds_decisions.CdsDecisionById", decision_id=decision_id),
    )


def _changes(decision: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the DS records before and after, each with `kept`, `added` or `removed`."""
    current, wanted = decision["current_ds"], decision["ds"]
    is_change = decision["action"] != "refuse"
    for record in current:
        yield ("removed" if is_change and record not in wanted else "kept"), record
    for record in wanted:
        if record not in current:
            yield "added", record
