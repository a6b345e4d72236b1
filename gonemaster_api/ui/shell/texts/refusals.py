"""Translates API errors and other `Text` objects to the language of a page."""

from typing import Any

from gonemaster_api.ui.shell.texts.languages import ENGLISH, gettext, language


def in_language(text: Any) -> Any:
    """Return a `Text`, including `Text` values in it, in the language of the request; return other values unchanged."""
    template = getattr(text, "template", None)
    if template is None or language() == ENGLISH:
        return text
    return gettext(template).format(**{name: in_language(value) for name, value in text.values.items()})
