"""The URL of Flower, which shows single Celery tasks."""

from urllib.parse import urlsplit

_ANY_ADDRESS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  # compared, not bound


def flower_url(listen: str, host: str) -> str:
    """Return the URL of Flower; if it listens on all addresses, use the host of the request."""
    address = urlsplit(f"//{listen}")
    if (address.hostname or "") not in _ANY_ADDRESS:
        return f"http://{listen}/"
    name = urlsplit(f"//{host}").hostname or "localhost"
    shown = f"[{name}]" if ":" in name else name
    return f"http://{shown}:{address.port}/"
