"""Pages that do not change as long as their version does not; this process, browsers and proxies cache them."""

import gzip
from collections.abc import Callable
from hashlib import blake2b
from http import HTTPStatus

from flask import Response, request

from gonemaster_api.state import state
from gonemaster_api.ui.shell.pages import HEADER, wanted_part
from gonemaster_api.ui.shell.texts.languages import language
from gonemaster_api.ui.shell.texts.zones import zone_name
from gonemaster_api.ui.shell.themes import has_keys, theme

_EFFORT = 6
VARY = ("Accept-Encoding", HEADER, "Cookie", "Accept-Language")


def cached_page(version: str, render: Callable[[], Response], *, caching: str, indexed: bool = False) -> Response:
    """Return a page, or 304 if the client has it; `version` must change with the content of the page.

    Language, time zone, theme and partial are added to the version. A cached response is sent to all clients that
    request the same, so that it must not depend on the client.
    """
    whole = _version(version)
    tag = f'W/"{whole}"'
    known = {given.partition(":")[0] for given in request.if_none_match.as_set(include_weak=True)}
    if request.if_none_match.star_tag or whole in known:
        return _with_headers(Response(status=HTTPStatus.NOT_MODIFIED), tag, caching, indexed=indexed)
    is_packed = request.accept_encodings.quality("gzip") > 0
    cache, key = state().responses, (f"{whole} {is_packed}", request.path, request.query_string)
    body = cache.find(key)
    if body is None:
        response = render()
        if response.status_code != HTTPStatus.OK:
            return _with_headers(response, tag, caching, indexed=indexed)
        body = response.get_data()
        body = gzip.compress(body, _EFFORT, mtime=0) if is_packed else body  # compressed once, not per request
        cache.keep(key, body)
    response = Response(body, mimetype="text/html")
    if is_packed:
        response.headers["Content-Encoding"] = "gzip"
    return _with_headers(response, tag, caching, indexed=indexed)


def _with_headers(response: Response, tag: str, caching: str, *, indexed: bool) -> Response:
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = caching
    if not indexed:
        response.headers["X-Robots-Tag"] = "noindex"
    response.vary.update(VARY)
    return response


def _version(version: str) -> str:
    digest = blake2b(digest_size=12)
    for value in (version, request.host_url, language(), zone_name(), theme(), has_keys(), wanted_part()):
        digest.update(repr(value).encode() + b"\0")
    return digest.hexdigest()
