"""URLs of the pages about findings."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

HELP_PATH: Final = "/help"  # the pages in the service, without a documentation site


def tag_url(base: str, tag: str) -> str:
    """Return the URL of the page of a tag; empty without a base."""
    return f"{base.rstrip('/')}/tags/{quote(tag, safe='')}" if base else ""


def case_url(base: str, case: str) -> str:
    """Return the URL of the page of a test case; empty without a base."""
    return f"{base.rstrip('/')}/test-cases/{quote(case, safe='')}" if base else ""


def cause_url(base: str, cause: str) -> str:
    """Return the URL of the page of a root cause; empty without a base."""
    return f"{base.rstrip('/')}/causes/{quote(cause, safe='')}" if base else ""
