"""What people type where a domain is asked for: why it is none, in their language, and which one they may mean."""

import re

from gonemaster_api.ui.shell.texts.refusals import in_language
from gonemaster_engine.errors import InvalidDomain
from gonemaster_engine.names import normalize_domain

_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.-]*://|mailto:)?(?:[^/?#@\s]*@)?([^/?#@:\s\[\]]+)(?::[0-9]*)?(?:[/?#].*)?",
    re.IGNORECASE | re.DOTALL,
)


def why_no_name(text: str) -> str:
    """Return the reason why a text is no domain name, in the language of the page; empty if it is one."""
    try:
        normalize_domain(text)
    except InvalidDomain as error:
        reason: str = in_language(error.reason)
        return reason
    return ""


def host_of_address(text: str) -> str:
    """Return the host of the address of a page or of mail that was typed as a domain; empty for all else.

    `example.com/start` is one, too, though names may have slashes: those that have them (RFC 2317) have digits before.
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
