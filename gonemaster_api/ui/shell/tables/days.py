"""Days as bounds of a list, as browsers send date fields."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from re import ASCII, fullmatch
from typing import Any

from marshmallow import ValidationError

from gonemaster_api.rest.fields import Instant
from gonemaster_api.ui.shell.texts.languages import gettext

_INSTANT = timedelta(microseconds=1)


class DayOrInstant(Instant):
    """An exclusive bound: an RFC 3339 time, or a day in UTC that is included completely."""

    def __init__(self, *, is_end: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._is_end = is_end

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> datetime:
        if not fullmatch(r"\d{4}-\d\d-\d\d", str(value), ASCII):
            return super()._deserialize(value, attr, data, **kwargs)
        try:
            start = datetime.fromisoformat(value).replace(tzinfo=UTC)
            return start + timedelta(days=1) if self._is_end else start - _INSTANT
        except (ValueError, OverflowError) as error:
            raise ValidationError(gettext("Enter a date, for example 2026-11-26.")) from error


def day_of(text: str) -> str:
    """Return the day of a bound for a date field; empty if there is none."""
    found = fullmatch(r"(\d{4}-\d\d-\d\d)(T.*)?", text, ASCII)
    return found[1] if found else ""
