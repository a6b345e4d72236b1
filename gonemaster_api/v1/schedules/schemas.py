"""Schemas of requests and documents about schedules."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar

import marshmallow as ma
from marshmallow import ValidationError, validate

from gonemaster_api.rest.fields import Instant, JsonBoolean, JsonInteger, positive_id
from gonemaster_api.rest.parsing import RequestSchema
from gonemaster_api.v1.policies.schemas import policy_name
from gonemaster_db.models import Keep, ScheduleOutcome
from gonemaster_engine.texts import Text
from gonemaster_tasks.recurrence.rules import LAST_COMMON_DAY, MAX_INTERVAL_DAYS, WEEKDAYS, RuleKind

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = "([01][0-9]|2[0-3]):[0-5][0-9]"
_TIME_OF_DAY = "HH:MM, local time of the zone"
_FIELDS = (
    "enabled", "kind", "interval_days", "anchor_date", "weekdays", "days_of_month", "last_day", "time_of_day",
    "timezone", "promote_default", "catch_up", "keep",
)  # fmt: skip
_KINDS = [kind.value for kind in RuleKind]


class Day(ma.fields.String):
    """A date YYYY-MM-DD; an empty text means no date."""

    def __init__(self, *, description: str) -> None:
        metadata = {"description": description, "pattern": f"^({_DAY.pattern})?$"}
        super().__init__(load_default=None, allow_none=True, metadata=metadata)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if value == "":
            return None
        try:
            if isinstance(value, str) and _DAY.fullmatch(value):
                return date.fromisoformat(value)
        except ValueError:  # The date does not exist, such as February 30th.
            pass
        raise ValidationError(Text("must be a date YYYY-MM-DD"))


class ScheduleBodySchema(RequestSchema):
    """A schedule to set; fields that its kind does not use are absent, null or empty."""

    error_codes: ClassVar = dict.fromkeys(_FIELDS, "invalid_schedule") | {"profile_id": "invalid_profile_id"}
    example: ClassVar = {
        "kind": "weekly",
        "weekdays": ["mon", "thu"],
        "time_of_day": "06:30",
        "timezone": "Europe/Stockholm",
    }

    enabled = JsonBoolean(load_default=True)
    kind = ma.fields.String(required=True, validate=validate.OneOf(_KINDS))
    interval_days = JsonInteger(
        load_default=None,
        allow_none=True,
        validate=validate.Range(min=0, max=MAX_INTERVAL_DAYS),
        metadata={"description": "interval: days from one run to the next, at least 1"},
    )
    anchor_date = Day(description="interval: YYYY-MM-DD, the first day")
    weekdays = ma.fields.List(
        ma.fields.String(validate=validate.OneOf(WEEKDAYS)),
        load_default=(),
        allow_none=True,
        metadata={"description": "weekly: at least one"},
    )
    days_of_month = ma.fields.List(
        JsonInteger(validate=validate.Range(min=1, max=LAST_COMMON_DAY)),
        load_default=(),
        allow_none=True,
        metadata={"description": "monthly: at least one, unless last_day is true"},
    )
    last_day = JsonBoolean(load_default=False, metadata={"description": "monthly: on the last day of each month"})
    time_of_day = ma.fields.String(required=True, metadata={"description": _TIME_OF_DAY, "pattern": f"^{_TIME}$"})
    timezone = ma.fields.String(load_default="UTC", metadata={"description": "IANA name"})
    profile_id = positive_id(load_default=None, allow_none=True)
    policy = policy_name()
    keep = ma.fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.OneOf(list(map(str, Keep))),
        metadata={
            "description": "what is kept of the runs once their facts are written; null: what the cohort says, or the"
            " setting `database.keep_runs`"
        },
    )
    promote_default = JsonBoolean(
        load_default=False, metadata={"description": "pin the snapshot of each batch as the default of the cohort"}
    )
    catch_up = JsonBoolean(
        load_default=True, metadata={"description": "run once, late, if the service was down at that time"}
    )

    @ma.post_load
    def _without_nulls(self, body: dict[str, Any], **_: Any) -> dict[str, Any]:
        return body | {name: body[name] or () for name in ("weekdays", "days_of_month")}


class ScheduleSchema(ma.Schema):
    """The times at which the domains of a cohort or tag are tested, and the outcome of the last occurrence."""

    cohort_id = ma.fields.Integer(
        required=True, allow_none=True, metadata={"description": "null for the schedule of a tag"}
    )
    source_tag = ma.fields.String(required=True, metadata={"description": "the tag whose domains are tested"})
    label = ma.fields.String(required=True, metadata={"description": "of the cohort"})
    enabled = ma.fields.Boolean(required=True)
    kind = ma.fields.String(required=True, metadata={"enum": _KINDS})
    interval_days = ma.fields.Integer(required=True, allow_none=True)
    anchor_date = ma.fields.Date(required=True, allow_none=True)
    weekdays = ma.fields.List(ma.fields.String(), required=True)
    days_of_month = ma.fields.List(ma.fields.Integer(), required=True)
    last_day = ma.fields.Boolean(required=True)
    time_of_day = ma.fields.String(required=True, metadata={"description": _TIME_OF_DAY})
    timezone = ma.fields.String(required=True)
    profile_id = ma.fields.Integer(required=True, allow_none=True)
    policy = ma.fields.String(required=True, allow_none=True)
    keep = ma.fields.String(required=True, allow_none=True, metadata={"enum": [*map(str, Keep), None]})
    promote_default = ma.fields.Boolean(required=True)
    catch_up = ma.fields.Boolean(required=True)
    summary = ma.fields.String(
        required=True, metadata={"description": "description of the rule; empty if the rule is invalid"}
    )
    next_run_at = Instant(required=True, allow_none=True, metadata={"description": "null while it is disabled"})
    last_run_at = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "when the last occurrence was processed, whether or not it succeeded"},
    )
    last_batch_id = ma.fields.String(required=True, allow_none=True)
    last_outcome = ma.fields.String(
        required=True, allow_none=True, metadata={"enum": [*(outcome.value for outcome in ScheduleOutcome), None]}
    )
    last_error = ma.fields.String(required=True, metadata={"description": "of the last occurrence, otherwise empty"})
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class SchedulePreviewSchema(ma.Schema):
    """The description of a rule and its next times."""

    summary = ma.fields.String(required=True)
    next = ma.fields.List(Instant(), required=True, metadata={"description": "the next five occurrences"})
