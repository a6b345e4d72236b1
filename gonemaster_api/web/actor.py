"""Who acts, in the words of the audit."""

from flask import g, request


def who() -> str:
    """Give the label of the token that came with this request, or the client's address where none is asked for.

    Whoever checks tokens sets `g.token_label`. The address is that behind trusted proxies (gonemaster_api.web.proxies).
    """
    label: str = g.get("token_label", "")
    return label or f"open:{request.remote_addr or 'local'}"
