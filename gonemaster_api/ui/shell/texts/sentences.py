"""The sentence of a message tag for many domains."""

from gonemaster_api.ui.shell.texts.languages import language
from gonemaster_engine.findings.messages import best_locale, general


def tag_sentence(tag: str, module: str) -> str:
    """Return the sentence of a message tag for many domains in the language of the page; empty if there is none."""
    return general(tag, module, locale=best_locale(language()))
