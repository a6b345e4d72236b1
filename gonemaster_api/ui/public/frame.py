"""What all public pages have."""

from typing import Any

import dns.version
from flask import Response

from gonemaster_api.ui.shell.pages import page


def public_page(template: str, *, status: int = 200, **values: Any) -> Response:
    """Render a public page; its foot names the versions."""
    return page(template, status=status, dns_version=dns.version.version, **values)
