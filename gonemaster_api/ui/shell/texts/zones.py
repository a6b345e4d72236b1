"""The time zone of a page: that of the reader, which the script stores in a cookie, or UTC."""

import re
from datetime import UTC, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from flask import has_request_context, request

COOKIE = "gm_zone"
_NAME = re.compile("[A-Za-z0-9_+-]{1,32}(?:/[A-Za-z0-9_+-]{1,32}){0,2}")


def zone() -> tzinfo:
    """Return the time zone of the reader; UTC without a valid cookie."""
    return _zone(request.cookies.get(COOKIE, "")) if has_request_context() else UTC


def zone_name() -> str:
    """Return the name of the reader's time zone; UTC without a valid cookie."""
    return getattr(zone(), "key", "UTC")


@lru_cache(600)
def _zone(name: str) -> tzinfo:
    """Load a time zone; the name comes from a cookie and may be anything."""
    if name in ("UTC", "Etc/UTC") or not _NAME.fullmatch(name):
        return UTC
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # not found, or a directory
        return UTC
