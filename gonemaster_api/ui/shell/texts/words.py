"""Words of the API as pages show them, in the language of the request."""

from gonemaster_api.ui.shell.texts.languages import gettext, mark

_WORDS = {
    # states of jobs and runs
    "queued": mark("Queued"),
    "running": mark("Running"),
    "paused": mark("On hold"),
    "succeeded": mark("Succeeded"),
    "failed": mark("Failed"),
    "canceled": mark("Canceled"),
    "expired": mark("Expired"),
    # severities
    "ok": mark("OK"),
    "info": mark("OK"),
    "notice": mark("Notice"),
    "warning": mark("Warning"),
    "error": mark("Error"),
    "critical": mark("Critical"),
    # tiers
    "normal": mark("Normal"),
    "batch": mark("Batch"),
    # states of batches and operations
    "done": mark("Done"),
    "waiting": mark("Waiting"),
    "active": mark("Active"),
}
MODULES = {  # of the engine, in the order of pages
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
    """Return the word of a state, a severity or a tier; a name without one as it is."""
    text = (name or "").lower()
    return gettext(_WORDS[text]) if text in _WORDS else name or ""


def severity(level: str | None) -> str:
    """Return the class of a level: all below NOTICE, and none, are `ok`."""
    text = (level or "").lower()
    return _SHAPES.get(text, text)


def module_name(module: str) -> str:
    """Return the name of a module; one that is not known as it is."""
    return gettext(MODULES[module]) if module in MODULES else module
