"""Routes of the queue: show, pause, resume, reorder, remove jobs; queue health and audit."""

from typing import Any

from flask.views import MethodView

from gonemaster_api.errors import BadRequest
from gonemaster_api.queries.audit import read_actions
from gonemaster_api.queries.health import read_health
from gonemaster_api.queries.jobs.queue import read_queue
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.state import state
from gonemaster_api.v1.queue.schemas import (
    ActionPageSchema,
    AuditQuerySchema,
    JobIdsSchema,
    MovedSchema,
    MoveSchema,
    PauseSchema,
    QueueHealthSchema,
    QueueQuerySchema,
    QueueSchema,
    RemovedSchema,
    ReorderSchema,
    ResumeSchema,
    StatusSchema,
)
from gonemaster_api.web.actor import who
from gonemaster_engine.texts import Text
from gonemaster_tasks.control.order import move_jobs, move_jobs_next_to, remove_jobs, reorder_queue
from gonemaster_tasks.control.pause import pause_queue, resume_queue
from gonemaster_tasks.queues import TIERS

blueprint = Blueprint("queue", __name__, description="Waiting jobs and their order")


@blueprint.route("/queue")
class Queue(MethodView):
    """The state of the queue."""

    @blueprint.arguments(QueueQuerySchema, location="query")
    @blueprint.response(200, QueueSchema)
    @blueprint.refuses(_400="invalid_tier, invalid_limit, invalid_offset, invalid_cursor")
    def get(self, query: dict[str, Any]) -> Any:
        """Show tiers, workers, running jobs, and a page of waiting jobs."""
        return read_queue(state(), query)


@blueprint.route("/queue/pause")
class TierPause(MethodView):
    """Pause of tiers."""

    @blueprint.done_after_commit
    @blueprint.arguments(PauseSchema)
    @blueprint.response(200, StatusSchema)
    @blueprint.refuses(_400="invalid_tier, invalid_until, ...", _503="store_unavailable")
    def post(self, request_body: dict[str, Any]) -> dict[str, str]:
        """Stop starting jobs, on all workers within a second; running jobs finish."""
        until = request_body.get("until")
        if until is not None and until <= state().queue.clock.now():
            raise BadRequest("invalid_until", Text("until is in the past"))
        reason = request_body.get("reason") or ""
        pause_queue(state().queue, _tiers(request_body), paused_by=who(), reason=reason, until=until)
        return {"status": "paused"}


@blueprint.route("/queue/resume")
class Resume(MethodView):
    """End of a pause."""

    @blueprint.done_after_commit
    @blueprint.arguments(ResumeSchema)
    @blueprint.response(200, StatusSchema)
    @blueprint.refuses(_400="invalid_tier", _503="store_unavailable")
    def post(self, request_body: dict[str, Any]) -> dict[str, str]:
        """Start jobs again."""
        resume_queue(state().queue, _tiers(request_body), who=who())
        return {"status": "resumed"}


@blueprint.route("/queue/reorder")
class Reorder(MethodView):
    """A new order of all waiting jobs."""

    @blueprint.arguments(ReorderSchema)
    @blueprint.response(200, StatusSchema)
    @blueprint.refuses(_400="invalid_queue", _503="broker_unavailable, store_unavailable")
    def post(self, request_body: dict[str, Any]) -> dict[str, str]:
        """Set the order of all waiting jobs; list each job exactly once, the normal tier before the batch tier.

        A body of 64 MiB (the default limit) holds the ids of about two million jobs; `/queue/move` needs fewer ids.
        """
        reorder_queue(state().queue, request_body["job_ids"], who=who())
        return {"status": "reordered"}


@blueprint.route("/queue/move")
class Move(MethodView):
    """A new position for some jobs."""

    @blueprint.arguments(MoveSchema)
    @blueprint.response(200, MovedSchema)
    @blueprint.refuses(
        _400="invalid_move, invalid_queue, tier_mismatch",
        _404="not_found",
        _409="invalid_state",
        _503="broker_unavailable",
    )
    def post(self, request_body: dict[str, Any]) -> dict[str, list[str]]:
        """Move waiting jobs of one tier to its front or back, or before or after another job, in the given order."""
        given = [name for name in ("to", "before", "after") if name in request_body]
        if len(given) != 1:
            raise BadRequest("invalid_move", Text("specify exactly one of to, before and after"))
        queue, job_ids = state().queue, request_body["job_ids"]
        if given == ["to"]:
            return {"moved": move_jobs(queue, job_ids, to=request_body["to"], who=who())}
        pivot = request_body[given[0]]
        if pivot in job_ids:
            raise BadRequest(
                "invalid_move", Text("a job cannot be moved before or after itself"), details={"job_id": pivot}
            )
        return {"moved": move_jobs_next_to(queue, job_ids, pivot=pivot, after=given == ["after"], who=who())}


@blueprint.route("/queue/remove")
class Remove(MethodView):
    """Removal of waiting jobs."""

    @blueprint.done_after_commit
    @blueprint.arguments(JobIdsSchema)
    @blueprint.response(200, RemovedSchema)
    @blueprint.refuses(_400="invalid_queue", _503="store_unavailable")
    def post(self, request_body: dict[str, Any]) -> dict[str, list[str]]:
        """Cancel waiting jobs with the error `removed_from_queue`; running and finished jobs are unchanged."""
        return {"removed": remove_jobs(state().queue, request_body["job_ids"], who=who())}


@blueprint.route("/queue/health")
class QueueHealth(MethodView):
    """The health of the queue."""

    @blueprint.response(200, QueueHealthSchema)
    def get(self) -> dict[str, Any]:
        """Check servers, processes, jobs, messages, schedules and operations; a missing server is an issue, too."""
        return read_health(state())


@blueprint.route("/audit")
class Audit(MethodView):
    """Actions of operators."""

    @blueprint.arguments(AuditQuerySchema, location="query")
    @blueprint.response(200, ActionPageSchema)
    @blueprint.refuses(
        _400="invalid_limit, invalid_offset, invalid_cursor, invalid_after, invalid_before, invalid_time_range"
    )
    def get(self, query: dict[str, Any]) -> Any:
        """List queue controls, deletions and changes of settings, newest first."""
        return read_actions(state(), query)


def _tiers(request_body: dict[str, Any]) -> tuple[str, ...]:
    tier = request_body.get("tier")
    return (tier,) if tier else TIERS
