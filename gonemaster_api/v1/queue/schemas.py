"""Schemas of the queue and of requests that change it."""

from typing import ClassVar

import marshmallow as ma
from marshmallow import validate

from gonemaster_api.rest.fields import Instant, TextList
from gonemaster_api.rest.paging import PagingSchema, page_schema
from gonemaster_api.rest.parsing import RequestSchema
from gonemaster_api.rest.plain_text import PlainText
from gonemaster_api.v1.jobs.schemas import JobSchema
from gonemaster_api.v1.operations.schemas import OperationSchema
from gonemaster_tasks.monitoring.issues import KINDS
from gonemaster_tasks.queues import TIERS


class TierSchema(ma.Schema):
    """One tier: number of jobs by state, and its pause."""

    tier = ma.fields.String(required=True, metadata={"enum": list(TIERS)})
    queued = ma.fields.Integer(required=True)
    held = ma.fields.Integer(required=True, metadata={"description": "jobs with the status paused"})
    running = ma.fields.Integer(required=True)
    paused = ma.fields.Boolean(required=True)
    paused_by = ma.fields.String(required=True)
    reason = ma.fields.String(required=True)
    since = Instant(required=True, allow_none=True)
    until = Instant(required=True, allow_none=True)


class WorkerSchema(ma.Schema):
    """A running worker process."""

    name = ma.fields.String(required=True)
    host = ma.fields.String(required=True)
    pid = ma.fields.Integer(required=True)
    queues = ma.fields.List(ma.fields.String(), required=True)
    slots = ma.fields.Integer(required=True)
    slots_in_use = ma.fields.Integer(required=True, metadata={"description": "at most `slots`"})
    running = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata={"description": "job ids; more than `slots` while some jobs only wait for silent name servers"},
    )
    reserved_check_slots = ma.fields.Integer(required=True, metadata={"description": "slots that run only checks"})
    checks = ma.fields.Integer(required=True, metadata={"description": "running checks, in reserved and in idle slots"})
    started_at = Instant(required=True)
    draining = ma.fields.Boolean(required=True)


class QueueSchema(ma.Schema):
    """The queue."""

    paused = ma.fields.Boolean(required=True, metadata={"description": "whether all tiers are paused"})
    depth = ma.fields.Dict(
        keys=ma.fields.String(), values=ma.fields.Integer(), required=True, metadata={"description": "by tier"}
    )
    tiers = ma.fields.List(ma.fields.Nested(TierSchema), required=True)
    running = ma.fields.List(
        ma.fields.Nested(JobSchema), required=True, metadata={"description": "at most 500, longest running first"}
    )
    workers = ma.fields.List(
        ma.fields.Nested(WorkerSchema),
        required=True,
        allow_none=True,
        metadata={"description": "null while the broker is unavailable"},
    )
    items = ma.fields.List(
        ma.fields.Nested(JobSchema), required=True, metadata={"description": "waiting jobs, next one first"}
    )
    total = ma.fields.Integer(required=True)
    limit = ma.fields.Integer(required=True)
    offset = ma.fields.Integer(required=True)
    next_cursor = ma.fields.String()
    prev_cursor = ma.fields.String()


class QueueQuerySchema(PagingSchema):
    """The waiting jobs to list; without `tier`, jobs of all tiers."""

    tier = ma.fields.String(validate=validate.OneOf(TIERS))


class PauseSchema(RequestSchema):
    """The tiers to pause (all if `tier` is absent), the reason, and the end of the pause."""

    optional_body = True
    example: ClassVar = {"tier": "batch", "reason": "maintenance", "until": "2036-01-31T12:00:00Z"}

    tier = ma.fields.String(validate=validate.OneOf(TIERS), allow_none=True)
    reason = PlainText(validate=validate.Length(max=1000), allow_none=True)
    until = Instant(allow_none=True, metadata={"description": "time at which the tiers resume automatically"})


class ResumeSchema(RequestSchema):
    """The tiers to resume; all if `tier` is absent."""

    optional_body = True
    example: ClassVar = {"tier": "batch"}

    tier = ma.fields.String(validate=validate.OneOf(TIERS), allow_none=True)


class StatusSchema(ma.Schema):
    """Confirmation."""

    status = ma.fields.String(required=True, metadata={"enum": ["paused", "resumed", "reordered"]})


class JobIdsSchema(RequestSchema):
    """Job ids."""

    error_codes: ClassVar = {"job_ids": "invalid_queue"}
    example: ClassVar = {"job_ids": ["job_0u3kq9ZbXa1hT5cR2mE"]}

    job_ids = ma.fields.List(
        ma.fields.String(validate=validate.Length(1, 64)), required=True, validate=validate.Length(1, 100_000)
    )


class ReorderSchema(RequestSchema):
    """All waiting jobs in their new order."""

    error_codes: ClassVar = {"job_ids": "invalid_queue"}
    example: ClassVar = {"job_ids": ["job_0u3kq9ZbXa1hT5cR2mE"]}

    job_ids = TextList(
        required=True,
        metadata={"description": "every waiting job; if the body would be too large, use /queue/move"},
    )


class MoveSchema(JobIdsSchema):
    """Jobs of one tier and their destination: an end of the tier, or a position next to another job."""

    example: ClassVar = {"job_ids": ["job_0u3kq9ZbXa1hT5cR2mE"], "to": "front"}

    to = ma.fields.String(validate=validate.OneOf(("front", "back")))
    before = ma.fields.String(validate=validate.Length(1, 64), metadata={"description": "id of a waiting job"})
    after = ma.fields.String(validate=validate.Length(1, 64), metadata={"description": "id of a waiting job"})


class MovedSchema(ma.Schema):
    """The jobs that were moved; the other jobs are not waiting."""

    moved = ma.fields.List(ma.fields.String(), required=True)


class RemovedSchema(ma.Schema):
    """The jobs that were removed; the other jobs had started or finished."""

    removed = ma.fields.List(ma.fields.String(), required=True)


class QueueIssueSchema(ma.Schema):
    """One issue of the queue."""

    kind = ma.fields.String(required=True, metadata={"enum": list(KINDS)})
    subject = ma.fields.String(required=True, metadata={"description": "id of a job or operation, a tier, a component"})
    text = ma.fields.String(required=True)
    advice = ma.fields.String(required=True, metadata={"description": "recommended action"})
    since = Instant(required=True, allow_none=True)
    count = ma.fields.Integer(required=True, metadata={"description": "number of jobs or messages affected"})


class QueueHealthSchema(ma.Schema):
    """The health of the queue; it is healthy if there are no issues."""

    healthy = ma.fields.Boolean(required=True)
    issues = ma.fields.List(ma.fields.Nested(QueueIssueSchema), required=True)
    operations = ma.fields.List(
        ma.fields.Nested(OperationSchema),
        required=True,
        metadata={"description": "waiting and running operations, oldest first, at most 100"},
    )


class AuditQuerySchema(PagingSchema):
    """The actions to list; `queue.` (with the dot) and `open:` (with the colon) match as prefixes."""

    action = ma.fields.String(load_default="", validate=validate.Length(max=64), metadata={"example": "queue."})
    who = ma.fields.String(load_default="", validate=validate.Length(max=255), metadata={"example": "open:127.0.0.1"})
    target = ma.fields.String(
        load_default="", validate=validate.Length(max=255), metadata={"description": "an id, a tier, a tag"}
    )
    after = Instant()
    before = Instant()


class ActionSchema(ma.Schema):
    """One action of an operator."""

    id = ma.fields.Integer(required=True)
    at = Instant(required=True)
    who = ma.fields.String(
        required=True,
        metadata={"description": "label of a token, `open:` and an IP address, or the component that acted"},
    )
    action = ma.fields.String(required=True)
    target = ma.fields.String(required=True)
    count = ma.fields.Integer(required=True)
    details = ma.fields.Dict(required=True)


ActionPageSchema = page_schema(ActionSchema, "Action")
