"""Responses that clients keep and ask about: their version is an ETag, and an unchanged one is a 304.

This process keeps the bodies of those that were asked for last.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from flask import Response, after_this_request, request

from gonemaster_api.state import state

REVALIDATED = "no-cache"


def tagged(version: str, read: Callable[[], Any], *, caching: str = REVALIDATED, is_whole: bool = True) -> Any:
    """Return what is read, with its version as ETag.

    What follows from the version alone (`is_whole`) is kept as it was sent: a popular page is read once.
    """
    # Weak: compression may change the octets, never what they say.
    headers = {"ETag": f'W/"{version}"', "Cache-Control": caching}
    # Some versions of Flask-Compress put `:gzip` behind the tag of what they have compressed.
    known = {tag.partition(":")[0] for tag in request.if_none_match.as_set(include_weak=True)}
    if request.if_none_match.star_tag or version in known:
        return Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    if not is_whole:
        return read(), headers
    kept, key = state().responses, (version, request.path, request.query_string)
    body = kept.find(key)
    if body is not None:
        return Response(body, headers=headers, mimetype="application/json")

    @after_this_request
    def keep(response: Response) -> Response:
        if response.status_code == HTTPStatus.OK and not response.is_streamed:
            kept.keep(key, response.get_data())
        return response

    return read(), headers
