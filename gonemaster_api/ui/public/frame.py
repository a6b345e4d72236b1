"""The frame of all public pages."""

from typing import Any

import dns.version
from flask import Response

from gonemaster_api.ui.shell.pages import page


def public_page(template: str, *, status: int = 200, **values: Any) -> Response:
    """Render a public page with the versions in its footer."""
    return page(template, status=status, dns_version=dns.version.version, **values)
