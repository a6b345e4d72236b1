"""The URL of Flower, which shows single Celery tasks."""

import socket
from urllib.parse import urlsplit

from gonemaster_api.state import State

_ANY_ADDRESS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  # compared, not bound
_LIFE_S, _TIMEOUT_S = 15.0, 0.2


def flower_link(state: State, host: str) -> str:
    """Return the URL of Flower; empty if it does not listen, checked every 15 seconds."""
    listen = state.settings.flower_listen
    is_on = state.recent.get("flower-listens", lambda: _listens(listen), life_s=_LIFE_S)
    return flower_url(listen, host) if is_on else ""


def _listens(listen: str) -> bool:
    address = urlsplit(f"//{listen}")
    host = address.hostname or ""
    try:
        target = ("127.0.0.1" if host in _ANY_ADDRESS else host, address.port or 0)
        with socket.create_connection(target, timeout=_TIMEOUT_S):
            return True
    except OSError:
        return False


def flower_url(listen: str, host: str) -> str:
    """Return the URL of Flower; if it listens on all addresses, use the host of the request."""
    address = urlsplit(f"//{listen}")
    if (address.hostname or "") not in _ANY_ADDRESS:
        return f"http://{listen}/"
    name = urlsplit(f"//{host}").hostname or "localhost"
    shown = f"[{name}]" if ":" in name else name
    return f"http://{shown}:{address.port}/"
