"""Confirmation pages that list the consequences of an action: a plain question, a checkbox, or an ID to type."""

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
    """The question and the consequences of an action.

    `title` is the question, `text` the irreversible effect, `facts` numbers by label, `notes` warnings, `kept` what is
    not deleted. `button` names the object and the number ("Delete batch and 61 204 runs"); `back` is the path of the
    cancel button, labelled `keep`. `weight` is the way to confirm: `plain` is a button, `tick` a checkbox with the
    label `tick`, `type` a field for the ID `typed`. `fields` are submitted too. `action` is the target of the form if
    it differs from the current URL. `is_creation`: the action deletes and stops nothing, and its button is not red.
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
    is_creation: bool = False

    def problem(self) -> str:
        """Return what the submitted form lacks, empty if it confirms. The server validates it, not the browser."""
        sent = request.form.get("confirm", "").strip()
        if self.weight == "tick" and sent != "yes":
            return gettext("Select the checkbox to confirm.")
        if self.weight == "type" and sent != self.typed:
            return gettext("The ID does not match. Enter it exactly as shown.")
        return "" if request.form.get("confirmed") else gettext("Use the button to confirm.")

    def ask(self, problem: str = "") -> Response:
        """Show the page, with status 400 if there is a problem."""
        status = HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK
        typed = request.form.get("confirm", "") if request.method == "POST" else ""
        return page("shell/confirm.html", status=status, confirmation=self, problem=problem, typed=typed)

    def unless_confirmed(self) -> Response | None:
        """Return the confirmation page, or None if the request confirms the action."""
        if request.method != "POST" or not request.form.get("confirmed"):
            return self.ask()
        problem = self.problem()
        return self.ask(problem) if problem else None
