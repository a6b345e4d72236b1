"""Protection against cross-site request forgery: requests from pages of another origin cannot change anything."""

from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Flask, request

from gonemaster_api.errors import ApiError
from gonemaster_api.state import state
from gonemaster_engine.texts import Text

Origin = tuple[str, str, int | None]

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OUR_SITES = frozenset({"same-origin", "none"})  # none: started by the user, e.g. in the address bar
_DEFAULT_PORTS = {"http": 80, "https": 443}


def register_origin_check(app: Flask) -> None:
    """Check the origin of each request with an unsafe method."""
    app.before_request(check_origin)


def check_origin() -> None:
    """Refuse a request with an unsafe method that comes from a page of another origin.

    Programs send neither header and pass. Browsers send Origin with every such request. They also send Sec-Fetch-Site
    (Fetch Metadata), which scripts cannot set and which identifies the initiator of a redirected request.

    Raises:
        ApiError: 403 csrf_origin_mismatch.
    """
    if request.method not in _SAFE_METHODS and (_is_of_another_origin() or _is_of_another_site()):
        text = Text("pages of another origin are not allowed to change data")
        raise ApiError(HTTPStatus.FORBIDDEN, "csrf_origin_mismatch", text)


def _is_of_another_origin() -> bool:
    origin = request.headers.get("Origin")
    return origin is not None and origin_of(origin) not in _own_origins()


def _is_of_another_site() -> bool:
    """Return whether Sec-Fetch-Site reports another site. "same-site" is another host, or another port of this host."""
    return request.headers.get("Sec-Fetch-Site", "none").strip().lower() not in _OUR_SITES


def _own_origins() -> set[Origin]:
    """Return the origin of the request and the origin of public_url, which a proxy may hide."""
    urls = (f"{request.scheme}://{request.host}", state().settings.public_url)
    return {origin for url in urls if url and (origin := origin_of(url))}


def origin_of(url: str) -> Origin | None:
    """Return the origin of a URL (RFC 6454), or None for a value without an origin, such as "null"."""
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname else None
