"""The actor recorded in the audit log."""

from flask import g

from gonemaster_api.web.clients import client_address


def who() -> str:
    """Return the label of the request's token, or `open:` and the client's IP address if no tokens are configured.

    Authentication sets `g.token_label`. The address is that of the client, not of a trusted proxy (web/proxies.py).
    """
    label: str = g.get("token_label", "")
    return label or f"open:{client_address() or 'local'}"
