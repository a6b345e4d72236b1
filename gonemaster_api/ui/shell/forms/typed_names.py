"""Typed domain names: a URL or an email address becomes its domain; for other input, the reason why it is invalid."""

from gonemaster_api.ui.shell.texts.refusals import in_language
from gonemaster_engine.errors import InvalidDomain
from gonemaster_engine.names import host_of_url, normalize_domain


def without_url(text: str) -> str:
    """Return the domain of a URL or an email address; other text unchanged."""
    return host_of_url(text) or text


def invalid_name_reason(text: str) -> str:
    """Return the reason why a text is not a domain name, in the language of the page; empty if it is valid."""
    try:
        normalize_domain(text)
    except InvalidDomain as error:
        reason: str = in_language(error.reason)
        return reason
    return ""


def reverse_zone_of(text: str) -> str:
    """Return the reverse zone of a typed IP address; empty for other text."""
    try:
        normalize_domain(text)
    except InvalidDomain as error:
        return str(error.reason.values.get("zone", ""))
    return ""
