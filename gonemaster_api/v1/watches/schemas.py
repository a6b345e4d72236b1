"""Schemas of requests and documents about watches."""

from collections.abc import Mapping
from typing import Any, ClassVar

import marshmallow as ma
from marshmallow import validate

from gonemaster_api.rest.fields import Instant, JsonBoolean, JsonInteger, LevelName
from gonemaster_api.rest.paging import PagingSchema, page_schema
from gonemaster_api.rest.parsing import RequestSchema
from gonemaster_db.core.levels import SEVERITIES
from gonemaster_db.models import DeliveryStatus, WatchEvent
from gonemaster_engine.texts import Text
from gonemaster_tasks.notifications.targets import MAX_URL_LENGTH

_EVENTS = [event.value for event in WatchEvent]
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


class NewWatchSchema(RequestSchema):
    """A watch to create: one of `tag` and `domain`, and one of `url` and `email`."""

    example: ClassVar = _EXAMPLE

    tag = ma.fields.String(allow_none=True, validate=validate.Length(1, 255))
    domain = ma.fields.String(allow_none=True, validate=validate.Length(1, 1024))
    events = EventList(required=True)
    url = _url(allow_none=True)
    email = _email(allow_none=True)
    min_level = LevelName(levels=SEVERITIES, load_default="ERROR")
    grade_drop = JsonInteger(load_default=1, validate=validate.Range(1, _MAX_GRADE_DROP))
    secret = _secret(allow_none=True)


class WatchChangeSchema(RequestSchema):
    """The changes to a watch; a null secret removes the signatures. Tag, domain and kind of receiver cannot change."""

    example: ClassVar = {"enabled": False}

    events = EventList()
    url = _url()
    email = _email()
    min_level = LevelName(levels=SEVERITIES)
    grade_drop = JsonInteger(validate=validate.Range(1, _MAX_GRADE_DROP))
    secret = _secret(allow_none=True)
    enabled = JsonBoolean()


class WatchSchema(ma.Schema):
    """A watch."""

    id = ma.fields.Integer(required=True)
    tag = ma.fields.String(required=True, allow_none=True)
    domain = ma.fields.String(required=True, allow_none=True)
    events = ma.fields.List(ma.fields.String(metadata={"enum": _EVENTS}), required=True)
    url = ma.fields.String(required=True, allow_none=True)
    email = ma.fields.String(required=True, allow_none=True)
    min_level = ma.fields.String(required=True, metadata={"enum": list(SEVERITIES)})
    grade_drop = ma.fields.Integer(required=True)
    has_secret = ma.fields.Boolean(required=True)
    enabled = ma.fields.Boolean(required=True)
    failures = ma.fields.Integer(required=True, metadata={"description": "failed attempts since the last success"})
    retry_at = Instant(
        required=True, allow_none=True, metadata={"description": "when the next attempt is made after failures"}
    )
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


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
