"""Search terms in the form in which names are stored."""

from gonemaster_engine.errors import InvalidDomain
from gonemaster_engine.names import normalize_domain
from gonemaster_engine.profile.zonemaster_tags import engine_tag


def search_term(search: str) -> str:
    """Return the search term for stored names: ASCII in lower case, other valid names as A-labels.

    Names are stored as A-labels, so a search for non-ASCII text finds only whole labels.
    """
    text = search.strip()
    if text.isascii():
        return text.lower()
    try:
        return normalize_domain(text)
    except InvalidDomain:
        return text


def name_part(search: str | None) -> str | None:
    """Return the search term of an optional filter by a part of the name; None if the filter is empty."""
    return search_term(search) or None if search else None


def message_tag(name: str | None) -> str | None:
    """Return the message tag of an optional filter, also by Zonemaster's name; an empty one matches nothing."""
    return engine_tag(name) if name else name


def stored_form(name: str | None) -> str | None:
    """Return a name in its stored form; an invalid name is returned unchanged and matches nothing."""
    try:
        return normalize_domain(name) if name else None
    except InvalidDomain:
        return name
