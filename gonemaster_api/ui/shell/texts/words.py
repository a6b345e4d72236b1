"""Labels of API values, in the language of the request."""

from gonemaster_api.ui.shell.texts.languages import gettext, mark

_WORDS = {
    # States of jobs and runs.
    "queued": mark("Queued"),
    "running": mark("Running"),
    "paused": mark("On hold"),
    "succeeded": mark("Succeeded"),
    "failed": mark("Failed"),
    "canceled": mark("Canceled"),
    "expired": mark("Expired"),
    # Severities.
    "ok": mark("OK"),
    "info": mark("OK"),
    "notice": mark("Notice"),
    "warning": mark("Warning"),
    "error": mark("Error"),
    "critical": mark("Critical"),
    # Tiers.
    "normal": mark("Normal"),
    "batch": mark("Batch"),
    "check": mark("Checks"),
    # States of batches and operations.
    "done": mark("Done"),
    "waiting": mark("Waiting"),
    "active": mark("Active"),
}
MODULES = {  # Modules of the engine, in the order of pages.
    "SYSTEM": mark("Run"),
    "BASIC": mark("Basic"),
    "ADDRESS": mark("Address"),
    "CONNECTIVITY": mark("Connectivity"),
    "CONSISTENCY": mark("Consistency"),
    "DNSSEC": mark("DNSSEC"),
    "DELEGATION": mark("Delegation"),
    "NAMESERVER": mark("Name server"),
    "SYNTAX": mark("Syntax"),
    "ZONE": mark("Zone"),
}
_SHAPES = {"info": "ok", "debug": "ok", "debug2": "ok", "debug3": "ok", "none": "ok", "": "ok"}


def word(name: str | None) -> str:
    """Return the label of a state, severity or tier; return unknown names unchanged."""
    text = (name or "").lower()
    return gettext(_WORDS[text]) if text in _WORDS else name or ""


def severity(level: str | None) -> str:
    """Return the CSS class of a level; levels below NOTICE, and no level, are `ok`."""
    text = (level or "").lower()
    return _SHAPES.get(text, text)


def module_name(module: str) -> str:
    """Return the label of a module; return unknown names unchanged."""
    return gettext(MODULES[module]) if module in MODULES else module
