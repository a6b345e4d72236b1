"""The longest values of request headers that are parsed. The server itself allows 8,190 bytes for each header."""

from typing import Final

from flask import Flask, request

from gonemaster_api.errors import ApiError
from gonemaster_engine.texts import Text

LONGEST: Final = {
    "Accept": 1_024,
    "Accept-Language": 512,
    "Authorization": 512,
    "Content-Digest": 512,
    "Content-Type": 256,
    "Cookie": 8_190,  # other services of the same host set cookies too
    "Forwarded": 2_048,
    "Host": 261,  # a name of 253 characters without its final dot, or an address in brackets, and a port
    "If-Match": 1_024,
    "If-Modified-Since": 64,
    "If-None-Match": 1_024,
    "If-Range": 128,
    "Last-Event-ID": 64,
    "Origin": 512,
    "Range": 256,
    "Sec-Fetch-Site": 64,
    "X-Forwarded-For": 2_048,
    "X-Forwarded-Host": 512,
    "X-Forwarded-Proto": 64,
    "traceparent": 128,
}


def register_header_lengths(app: Flask) -> None:
    """Refuse requests with longer values before they are parsed."""
    app.before_request(refuse_long_headers)


def refuse_long_headers() -> None:
    """Refuse a request with a value that no honest client sends.

    Raises:
        ApiError: 431 headers_too_large.
    """
    for name, longest in LONGEST.items():
        if len(request.headers.get(name, "")) > longest:
            raise ApiError(431, "headers_too_large", Text("the headers are too large"))
