"""Schemas of requests and documents about watches."""

from collections.abc import Mapping
from typing import Any, ClassVar

import marshmallow as ma
from marshmallow import validate

from gonemaster_api.rest.fields import Instant, JsonBoolean, JsonInteger, LevelName, named
from gonemaster_api.rest.paging import PagingSchema, page_schema
from gonemaster_api.rest.parsing import RequestSchema
from gonemaster_api.v1.policies.schemas import policy_name
from gonemaster_db.core.levels import SEVERITIES
from gonemaster_db.models import DeliveryStatus, WatchEvent, WatchKind
from gonemaster_engine.automation.rollover import CachedSet, FaultKind, RolloverVerdict, StepKind
from gonemaster_engine.texts import Text
from gonemaster_tasks.notifications.targets import MAX_URL_LENGTH

_EVENTS = [event.value for event in WatchEvent]
_KINDS = [kind.value for kind in WatchKind]
_MAX_INTERVAL = 7 * 24 * 60  # minutes
_MAX_WINDOW = 30 * 24  # hours
_MAX_HOLD_DOWN = 90  # days
_STATUSES = [status.value for status in DeliveryStatus]
_MAX_GRADE_DROP = 10
_MAX_SECRET_LENGTH = 256
_EXAMPLE = {"tag": "mine", "events": ["domain.regressed", "domain.recovered"], "url": "https://hook.example/dns"}


class EventList(ma.fields.List[Any]):
    """A list of distinct event names."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            ma.fields.String(validate=validate.OneOf(_EVENTS)), validate=validate.Length(1, len(_EVENTS)), **kwargs
        )

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> list[Any]:
        names: list[Any] = super()._deserialize(value, attr, data, **kwargs)
        if len(set(names)) < len(names):
            raise ma.ValidationError(Text("contains a duplicate event"))
        return names


def _url(**kwargs: Any) -> ma.fields.String:
    return ma.fields.String(validate=validate.Length(1, MAX_URL_LENGTH), **kwargs)


def _email(**kwargs: Any) -> ma.fields.String:
    return ma.fields.String(validate=validate.Length(3, 254), **kwargs)


def _secret(**kwargs: Any) -> ma.fields.String:
    described = {"description": "key for webhook signatures; never returned"}
    return ma.fields.String(validate=validate.Length(1, _MAX_SECRET_LENGTH), metadata=described, **kwargs)


def _interval() -> JsonInteger:
    return JsonInteger(
        validate=validate.Range(1, _MAX_INTERVAL),
        metadata={
            "description": "time between two observations of a domain; 1440 by default for kind `cds`, 5 for `rollover`"
        },
    )


def _hold_down() -> JsonInteger:
    return JsonInteger(
        validate=validate.Range(0, _MAX_HOLD_DOWN),
        metadata={"description": "how long a request must stay the same; kind `cds` only, 3 by default"},
    )


def _window() -> JsonInteger:
    return JsonInteger(
        validate=validate.Range(1, _MAX_WINDOW),
        metadata={"description": "how long from now a zone is sampled; kind `rollover` only, 48 by default"},
    )


def _transfer(**kwargs: Any) -> JsonBoolean:
    described = "whether each sample also reads the zone by AXFR from the servers that allow it; kind `rollover` only"
    return JsonBoolean(metadata={"description": described}, **kwargs)


class NewWatchSchema(RequestSchema):
    """A watch to create: one of `tag` and `domain`, and one of `url` and `email`, which only `changes` needs."""

    example: ClassVar = _EXAMPLE

    tag = ma.fields.String(allow_none=True, validate=validate.Length(1, 255))
    domain = ma.fields.String(allow_none=True, validate=validate.Length(1, 1024))
    kind = ma.fields.String(load_default=WatchKind.CHANGES.value, validate=validate.OneOf(_KINDS))
    interval_minutes = _interval()
    hold_down_days = _hold_down()
    window_hours = _window()
    transfer = _transfer(load_default=False)
    events = EventList(required=True)
    url = _url(allow_none=True)
    email = _email(allow_none=True)
    min_level = LevelName(levels=SEVERITIES, load_default="ERROR")
    grade_drop = JsonInteger(load_default=1, validate=validate.Range(1, _MAX_GRADE_DROP))
    policy = policy_name()
    secret = _secret(allow_none=True)


class WatchChangeSchema(RequestSchema):
    """The changes to a watch; a null secret removes the signatures. Tag, domain and kind of receiver cannot change."""

    example: ClassVar = {"enabled": False}

    events = EventList()
    url = _url()
    email = _email()
    min_level = LevelName(levels=SEVERITIES)
    grade_drop = JsonInteger(validate=validate.Range(1, _MAX_GRADE_DROP))
    policy = policy_name(load_default=ma.missing)
    secret = _secret(allow_none=True)
    interval_minutes = _interval()
    hold_down_days = _hold_down()
    window_hours = _window()
    transfer = _transfer()
    enabled = JsonBoolean()


class WatchSchema(ma.Schema):
    """A watch."""

    id = ma.fields.Integer(required=True)
    tag = ma.fields.String(required=True, allow_none=True)
    domain = ma.fields.String(required=True, allow_none=True)
    kind = named(_KINDS)
    interval_minutes = ma.fields.Integer(required=True, allow_none=True)
    hold_down_days = ma.fields.Integer(required=True, allow_none=True)
    ends_at = Instant(
        required=True, allow_none=True, metadata={"description": "until when a zone is sampled; kind `rollover` only"}
    )
    transfer = ma.fields.Boolean(
        required=True, metadata={"description": "whether each sample also reads the zone by AXFR; kind `rollover` only"}
    )
    events = ma.fields.List(ma.fields.String(metadata={"enum": _EVENTS}), required=True)
    url = ma.fields.String(required=True, allow_none=True)
    email = ma.fields.String(required=True, allow_none=True)
    min_level = ma.fields.String(required=True, metadata={"enum": list(SEVERITIES)})
    grade_drop = ma.fields.Integer(required=True)
    policy = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "only changes between runs with this policy count"}
    )
    has_secret = ma.fields.Boolean(required=True)
    enabled = ma.fields.Boolean(required=True)
    failures = ma.fields.Integer(required=True, metadata={"description": "failed attempts since the last success"})
    retry_at = Instant(
        required=True, allow_none=True, metadata={"description": "when the next attempt is made after failures"}
    )
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class RolloverStepSchema(ma.Schema):
    """A change of the keys or DS records."""

    at = ma.fields.String(required=True)
    step = named(step.value for step in StepKind)
    key_tag = ma.fields.Integer(required=True)
    algorithm = ma.fields.Integer(required=True)


class RolloverFaultSchema(ma.Schema):
    """A fault, at the first time and for the server that showed it."""

    at = ma.fields.String(required=True)
    fault = named(fault.value for fault in FaultKind)
    address = ma.fields.String(required=True)
    text = ma.fields.String(required=True)


class RolloverDeadlineSchema(ma.Schema):
    """How long caches may have what a step replaced."""

    since = ma.fields.String(required=True)
    until = ma.fields.String(required=True)
    cached = named(each.value for each in CachedSet)
    text = ma.fields.String(required=True)


class RolloverSpanSchema(ma.Schema):
    """A time during which all samples showed the same state."""

    first_at = Instant(required=True)
    last_at = Instant(required=True)
    samples = ma.fields.Integer(required=True)
    state = ma.fields.Dict(required=True, metadata={"description": "DS records, keys, and what signs on each server"})


class RolloverSchema(ma.Schema):
    """The timeline of a watched zone, and its judgement."""

    watch_id = ma.fields.Integer(required=True)
    domain = ma.fields.String(required=True)
    ends_at = Instant(required=True)
    rollover = named(("zsk", "ksk", "csk", "algorithm"), allow_none=True)
    verdict = named(verdict.value for verdict in RolloverVerdict)
    completed_at = ma.fields.String(required=True, allow_none=True)
    steps = ma.fields.List(ma.fields.Nested(RolloverStepSchema), required=True)
    faults = ma.fields.List(ma.fields.Nested(RolloverFaultSchema), required=True)
    deadlines = ma.fields.List(ma.fields.Nested(RolloverDeadlineSchema), required=True)
    spans = ma.fields.List(ma.fields.Nested(RolloverSpanSchema), required=True)


class WatchListQuerySchema(PagingSchema):
    """The watches to list."""

    tag = ma.fields.String()
    domain = ma.fields.String()


class DeliverySchema(ma.Schema):
    """A message to the receiver of a watch, and its outcome."""

    id = ma.fields.String(required=True)
    watch_id = ma.fields.Integer(required=True)
    event = ma.fields.String(
        required=True,
        metadata={"enum": [*_EVENTS, "test", "digest"], "description": "`digest` is a mail about several events"},
    )
    event_count = ma.fields.Integer(required=True)
    status = ma.fields.String(required=True, metadata={"enum": _STATUSES})
    attempts = ma.fields.Integer(required=True)
    created_at = Instant(required=True)
    next_attempt_at = Instant(required=True, allow_none=True)
    last_attempt_at = Instant(required=True, allow_none=True)
    finished_at = Instant(required=True, allow_none=True)
    duration_ms = ma.fields.Integer(required=True, allow_none=True)
    response_status = ma.fields.Integer(
        required=True, allow_none=True, metadata={"description": "of HTTP or SMTP; null without a response"}
    )
    error = ma.fields.String(
        required=True, metadata={"description": "reason of the last failed attempt, otherwise empty"}
    )


class DeliveryListQuerySchema(PagingSchema):
    """The deliveries to list."""

    status = ma.fields.String(validate=validate.OneOf(_STATUSES))


WatchPageSchema = page_schema(WatchSchema, "Watch")
DeliveryPageSchema = page_schema(DeliverySchema, "Delivery")
