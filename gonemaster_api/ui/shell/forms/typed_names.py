"""Input that is not a domain name: the reason, in the language of the page."""

from gonemaster_api.ui.shell.texts.refusals import in_language
from gonemaster_engine.errors import InvalidDomain
from gonemaster_engine.names import normalize_domain


def invalid_name_reason(text: str) -> str:
    """Return the reason why a text is not a domain name, in the language of the page; empty if it is valid."""
    try:
        normalize_domain(text)
    except InvalidDomain as error:
        reason: str = in_language(error.reason)
        return reason
    return ""
