"""Responses that requests share which wait for a thread at the same time: under load one read serves all who want it.

A request may have the response that was made for another one if its reading began after the request was complete.
So whatever the caller, or anyone else, had changed before is seen, as if the request had been worked on at that moment.
Without load no request waits, and none shares.
"""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Response, request

from gonemaster_api.kept_responses import MadeResponse
from gonemaster_api.state import state

ARRIVED = "gonemaster.arrived"  # in the environment: when all of the request was there, on the monotonic clock

View = TypeVar("View", bound=Callable[..., Any])


def shared_while_waiting(view: View) -> View:
    """Let requests for one address that wait at the same time share a response; the outermost decorator.

    The view must answer each caller who may call it with the same.
    """

    @wraps(view)
    def shared(*args: Any, **kwargs: Any) -> Any:
        arrived = request.environ.get(ARRIVED)
        if arrived is None:  # another server than ours
            return view(*args, **kwargs)
        responses, key = state().shared, (request.path, request.query_string)
        found = responses.find(key, arrived)
        if found is not None:
            return Response(found.body, headers=found.headers)
        began = responses.now()
        response = view(*args, **kwargs)
        if isinstance(response, Response) and response.status_code == HTTPStatus.OK and not response.is_streamed:
            responses.keep(key, MadeResponse(began, response.get_data(), list(response.headers)))
        return response

    return shared  # type: ignore[return-value]
