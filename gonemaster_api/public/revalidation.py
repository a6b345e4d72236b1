"""Responses that clients cache and revalidate: the version is an ETag, and an unchanged response is a 304.

This process caches the bodies of the most recently requested responses.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from flask import Response, after_this_request, request

from gonemaster_api.state import state

REVALIDATED = "no-cache"


def tagged(
    version: str,
    read: Callable[[], Any],
    *,
    caching: str = REVALIDATED,
    is_whole: bool = True,
    has_parameters: bool = True,
) -> Any:
    """Return the result of `read` with its version as ETag, or 304 if the client has this version.

    If the body depends only on the version and the query (`is_whole`), the finished body is cached, so that a popular
    page is read once. If `has_parameters` is False, it depends on the version only.
    """
    # The ETag is weak because compression may change the bytes but not the content.
    headers = {"ETag": f'W/"{version}"', "Cache-Control": caching}
    # Some versions of Flask-Compress append `:gzip` to the ETag of a compressed response.
    known = {tag.partition(":")[0] for tag in request.if_none_match.as_set(include_weak=True)}
    if request.if_none_match.star_tag or version in known:
        return Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    if not is_whole:
        return read(), headers
    cache, key = state().responses, (version, request.path, request.query_string if has_parameters else b"")
    body = cache.find(key)
    if body is not None:
        return Response(body, headers=headers, mimetype="application/json")

    @after_this_request
    def keep(response: Response) -> Response:
        if response.status_code == HTTPStatus.OK and not response.is_streamed:
            cache.keep(key, response.get_data())
        return response

    return read(), headers
