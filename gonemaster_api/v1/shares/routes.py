"""Routes of links that share one result: list, create, revoke."""

from typing import Any

from flask import request, url_for
from flask.views import MethodView

from gonemaster_api.queries.runs.shares import read_shares, share_document
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.state import state
from gonemaster_api.use_cases.shares import create_share, remove_share
from gonemaster_api.v1.shares.schemas import CreatedShareSchema, NewShareSchema, ShareListSchema
from gonemaster_api.web.actor import who

blueprint = Blueprint("shares", __name__, url_prefix="/runs", description="Links that share one result")


@blueprint.route("/<run_id>/shares")
class Shares(MethodView):
    """Creation and list of links."""

    @blueprint.response(200, ShareListSchema)
    @blueprint.refuses(_404="not_found")
    def get(self, run_id: str) -> Any:
        """List the links to a run, newest first; those that expired long ago are missing."""
        return {"items": read_shares(state(), run_id)}

    @blueprint.arguments(NewShareSchema)
    @blueprint.response(201, CreatedShareSchema)
    @blueprint.refuses(
        _400="invalid_days", _404="not_found, also if the job is not finished", _409="sharing_disabled, too_many_shares"
    )
    def post(self, request_body: dict[str, Any], run_id: str) -> Any:
        """Create a link that shows the result to everyone who has it, without a token, until it expires."""
        shared = state()
        secret, share = create_share(shared, run_id, days=request_body["days"], who=who())
        base = (shared.settings.public_url or request.host_url).rstrip("/")
        url = base + url_for("ui_public_shared.show", secret=secret)
        return {**share_document(share, run_id), "url": url}, 201, {"Cache-Control": "no-store"}


@blueprint.route("/<run_id>/shares/<share_id>")
class ShareById(MethodView):
    """One link."""

    @blueprint.response(204)
    @blueprint.refuses(_404="not_found")
    def delete(self, run_id: str, share_id: str) -> None:
        """Revoke a link; from now on it shows the status 410."""
        remove_share(state(), run_id, share_id, who=who())
