"""The queue: look at it, pause it, resume it, take jobs out."""

from typing import Any

from flask.views import MethodView

from gonemaster_api.blueprint import Blueprint
from gonemaster_api.errors import BadRequest
from gonemaster_api.services import queue_view
from gonemaster_api.state import state
from gonemaster_api.v1.queue.schemas import (
    PauseSchema,
    QueueQuerySchema,
    QueueSchema,
    ResumeSchema,
    StatusSchema,
)
from gonemaster_db.clock import utcnow
from gonemaster_tasks import control
from gonemaster_tasks.queues import TIERS

blueprint = Blueprint("queue", __name__, url_prefix="/queue", description="What waits, and in which order")


@blueprint.route("")
class Queue(MethodView):
    """What waits and what runs."""

    @blueprint.arguments(QueueQuerySchema, location="query")
    @blueprint.response(200, QueueSchema)
    @blueprint.refuses(_400="invalid_tier, invalid_limit, invalid_offset")
    def get(self, query: dict[str, Any]) -> Any:
        """Show the tiers, the workers, what runs, and a page of what waits."""
        return queue_view.read(state(), query)


@blueprint.route("/pause")
class Pause(MethodView):
    """Nothing starts."""

    @blueprint.arguments(PauseSchema)
    @blueprint.response(200, StatusSchema)
    @blueprint.refuses(_400="invalid_tier, invalid_until, ...", _503="broker_unavailable, store_unavailable")
    def post(self, request_body: dict[str, Any]) -> dict[str, str]:
        """Let no job start any more, on all workers within a second; running jobs finish."""
        until = request_body.get("until")
        if until is not None and until <= utcnow():
            raise BadRequest("invalid_until", "until lies in the past")
        control.pause_queue(state().queue, _tiers(request_body), reason=request_body.get("reason") or "", until=until)
        return {"status": "paused"}


@blueprint.route("/resume")
class Resume(MethodView):
    """Jobs start again."""

    @blueprint.arguments(ResumeSchema)
    @blueprint.response(200, StatusSchema)
    @blueprint.refuses(_400="invalid_tier", _503="broker_unavailable, store_unavailable")
    def post(self, request_body: dict[str, Any]) -> dict[str, str]:
        """Let jobs start again."""
        control.resume_queue(state().queue, _tiers(request_body))
        return {"status": "resumed"}


def _tiers(request_body: dict[str, Any]) -> tuple[str, ...]:
    tier = request_body.get("tier")
    return (tier,) if tier else TIERS
