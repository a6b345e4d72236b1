"""The form that pauses tiers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import request

from gonemaster_api.rest.plain_text import refusal_of
from gonemaster_api.ui.shell.forms.forms import Form
from gonemaster_api.ui.shell.texts.languages import gettext
from gonemaster_api.ui.shell.texts.zones import zone
from gonemaster_tasks.queues import TIERS

_MAX_REASON_LENGTH = 1000
MINUTES = ("", "15", "60", "240", "720", "until")


@dataclass(frozen=True)
class Pause:
    """A requested pause."""

    tiers: Sequence[str]
    reason: str
    until: datetime | None


class PauseForm(Form):
    """The fields tier, reason and end; before submission, the query string preselects the tiers."""

    @property
    def is_sent(self) -> bool:
        """Whether the form was submitted."""
        return request.method == "POST"

    @classmethod
    def sent_or_new(cls) -> "PauseForm":
        """Read the submitted form, or create an empty form."""
        if request.method == "POST":
            sent = Form.sent()
            return cls(sent.values, sent.lists)
        return cls({"tier": request.args.get("tier", ""), "next": request.args.get("next", "/")})

    def read(self, now: datetime) -> Pause | None:
        """Return the requested pause, None if a field is invalid."""
        tier, until = self["tier"], None
        if tier and tier not in TIERS:
            self.fail("tier", gettext("Choose all tiers, normal, batch or check."), "invalid_tier")
        if len(self["reason"]) > _MAX_REASON_LENGTH:
            self.fail("reason", gettext("Use at most %(n)s characters.", n=_MAX_REASON_LENGTH), "invalid_reason")
        if refusal := refusal_of(self["reason"], is_name=False):
            self.fail("reason", refusal, "invalid_reason")
        span = self["for"]
        if span not in MINUTES:
            self.fail("for", gettext("Choose one of the listed durations."), "invalid_until")
        elif span == "until":
            until = self._moment(now)
        elif span:
            until = now + timedelta(minutes=int(span))
        return Pause((tier,) if tier else TIERS, self["reason"], until) if self.is_valid else None

    def _moment(self, now: datetime) -> datetime | None:
        try:
            found = datetime.fromisoformat(self["until"])
        except ValueError:
            self.fail("until", gettext("Enter a date and time, for example 2026-11-26 10:30."), "invalid_until")
            return None
        until = (found.replace(tzinfo=zone()) if found.tzinfo is None else found).astimezone(UTC)
        if until <= now:
            self.fail("until", gettext("This time is in the past. Enter a future time."), "invalid_until")
        return until
