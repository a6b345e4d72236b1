"""Refusals, and other sentences that the API says in English, in the language of a page."""

from typing import Any

from gonemaster_api.ui.shell.texts.languages import ENGLISH, gettext, language


def in_language(text: Any) -> Any:
    """Return a `Text`, and the texts among its values, in the language of the request; anything else as it is."""
    template = getattr(text, "template", None)
    if template is None or language() == ENGLISH:
        return text
    return gettext(template).format(**{name: in_language(value) for name, value in text.values.items()})
