"""What people type to find a name, in the form in which names are stored."""

from gonemaster_engine.errors import InvalidDomain
from gonemaster_engine.names import normalize_domain


def needle(search: str) -> str:
    """Return what to look for in names: ASCII in lower case; other text as A-labels, if it is a name.

    Names are stored as A-labels, in which a part of a U-label does not occur: only whole labels are found.
    """
    text = search.strip()
    if text.isascii():
        return text.lower()
    try:
        return normalize_domain(text)
    except InvalidDomain:
        return text


def name_part(search: str | None) -> str | None:
    """Return the needle of an optional filter by a part of the name; None if there is nothing to look for."""
    return needle(search) or None if search else None


def stored_form(name: str | None) -> str | None:
    """Return a name in the form that is stored; an invalid name is returned unchanged and matches nothing."""
    try:
        return normalize_domain(name) if name else None
    except InvalidDomain:
        return name
