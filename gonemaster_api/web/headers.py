"""Security headers for every response, and compression."""

from http import HTTPStatus

from flask import Flask, Response, request
from flask_compress import Compress

_SWITCHED_OFF = (
    "accelerometer",
    "autoplay",
    "camera",
    "clipboard-read",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "picture-in-picture",
    "publickey-credentials-get",
    "screen-wake-lock",
    "usb",
    "xr-spatial-tracking",
)
_EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _SWITCHED_OFF),
}
API_POLICY = "default-src 'none'"
API_HEADERS = _EVERYWHERE | {"Content-Security-Policy": API_POLICY}
PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; "
    "frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
)
_API_PREFIXES = ("/api/", "/pub/api/", "/zonemaster/api")
_COMPRESSED = (
    "application/javascript",
    "application/json",
    "application/manifest+json",
    "application/xml",
    "image/svg+xml",
    "text/css",
    "text/csv",
    "text/html",
    "text/javascript",
    "text/plain",
    "text/xml",
)


class _Compress(Compress):
    """Compression for clients that accept it. The base class alone would treat `gzip;q=0` as acceptance."""

    def after_request(self, response: Response | None) -> Response:
        if response is None or request.accept_encodings.quality("gzip") > 0:
            return super().after_request(response)
        response.vary.add("Accept-Encoding")
        return response


def register_headers(app: Flask) -> None:
    """Set the headers of each response, and compress the response if the client accepts compression."""
    app.config.update(
        COMPRESS_ALGORITHM=["gzip"],
        COMPRESS_ALGORITHM_STREAMING=["gzip"],
        COMPRESS_MIN_SIZE=256,
        COMPRESS_MIMETYPES=list(_COMPRESSED),
    )
    _Compress(app)
    app.after_request(_set_headers)


def _set_headers(response: Response) -> Response:
    present = {name.lower() for name, _ in response.headers}  # collected once: each lookup by name scans all headers
    for name, value in _EVERYWHERE.items():
        if name.lower() not in present:
            response.headers.add(name, value)
    is_page = (
        response.mimetype == "text/html" and request.method != "OPTIONS"
    )  # Flask answers OPTIONS with an empty HTML page
    policy = PAGE_POLICY if is_page or not is_api(request.path) else API_POLICY
    if "content-security-policy" not in present:
        response.headers.add("Content-Security-Policy", policy)
    if response.status_code == HTTPStatus.NO_CONTENT:
        response.headers.pop("Content-Type", None)  # RFC 9110: without content there is no content type
    return response


def is_api(path: str) -> bool:
    """Return whether a path belongs to an API and not to a page."""
    return path.startswith(_API_PREFIXES)
