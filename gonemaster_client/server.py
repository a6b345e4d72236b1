"""The URL of a server."""

from urllib.parse import urlsplit

DEFAULT_SERVER = "http://localhost:8080/api/v1"
API = "/api/v1"


def root_of(server: str) -> str:
    """Return the URL above /api/v1 and /pub/api/v1; a server may be given with or without /api/v1.

    Raises:
        ValueError: not the URL of a server.
    """
    try:
        found = urlsplit(server)
        is_valid = found.scheme in ("http", "https") and bool(found.hostname) and (found.port or 1) > 0
    except ValueError:
        is_valid = False
    if not is_valid or found.query or found.fragment or found.username is not None:
        raise ValueError(f"{server!r} is not the URL of a server, such as {DEFAULT_SERVER}")
    return server.rstrip("/").removesuffix(API).rstrip("/")
