"""Input that is not a domain name: the reason, in the user's language, and the domain that was probably meant."""

import re

from gonemaster_api.ui.shell.texts.refusals import in_language
from gonemaster_engine.errors import InvalidDomain
from gonemaster_engine.names import normalize_domain

_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.-]*://|mailto:)?(?:[^/?#@\s]*@)?([^/?#@:\s\[\]]+)(?::[0-9]*)?(?:[/?#].*)?",
    re.IGNORECASE | re.DOTALL,
)


def invalid_name_reason(text: str) -> str:
    """Return the reason why a text is not a domain name, in the language of the page; empty if it is valid."""
    try:
        normalize_domain(text)
    except InvalidDomain as error:
        reason: str = in_language(error.reason)
        return reason
    return ""


def host_of_address(text: str) -> str:
    """Return the host of a URL or email address that was typed as a domain; empty for other text.

    `example.com/start` counts as a URL. Domain names with slashes (RFC 2317) have digits before the slash.
    """
    typed = text.strip()
    found = _ADDRESS.fullmatch(typed)
    if found is None or found[1] == typed:
        return ""
    try:
        *above, last = normalize_domain(found[1]).split(".")
    except InvalidDomain:
        return ""
    return found[1] if any(above) and not last.isdigit() else ""
