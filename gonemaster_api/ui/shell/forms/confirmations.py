"""Pages that say what something costs before it is done: plain, with a tick, or with the id to be typed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal

from flask import Response, request

from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.texts.languages import gettext

Weight = Literal["plain", "tick", "type"]


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """What a confirmation asks, and what it costs.

    `title` is the question, `text` what cannot be undone, `facts` numbers by label, `notes` warnings, `kept` what
    stays; `button` names object and number ("Delete batch and 61 204 runs"); `back` is where the safe button leads,
    labelled `keep`. With the weight `tick`, `tick` is the sentence to be ticked; with `type`, `typed` is the id.
    `fields` are sent along. `action` is where the form is sent if not to the address that asks.
    """

    title: str
    button: str
    back: str
    text: str = ""
    keep: str = ""
    weight: Weight = "plain"
    tick: str = ""
    typed: str = ""
    facts: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()
    kept: str = ""
    fields: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    action: str = ""

    def problem(self) -> str:
        """Return what the sent form lacks, empty if it confirms. The browser checks nothing: the server says it."""
        sent = request.form.get("confirm", "").strip()
        if self.weight == "tick" and sent != "yes":
            return gettext("Select the checkbox to confirm.")
        if self.weight == "type" and sent != self.typed:
            return gettext("The ID does not match. Enter it exactly as shown.")
        return "" if request.form.get("confirmed") else gettext("Use the button to confirm.")

    def ask(self, problem: str = "") -> Response:
        """Show the page; with a problem as 400."""
        status = HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK
        typed = request.form.get("confirm", "") if request.method == "POST" else ""
        return page("shell/confirm.html", status=status, confirmation=self, problem=problem, typed=typed)

    def asked(self) -> Response | None:
        """Return the page that asks, None if the request confirms: `if (asked := c.asked()): return asked`."""
        if request.method != "POST" or not request.form.get("confirmed"):
            return self.ask()
        problem = self.problem()
        return self.ask(problem) if problem else None
