"""Caches partials for a moment, so that many viewers of a page cost little more than one."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from flask import Response, g, request

from gonemaster_api.state import state
from gonemaster_api.ui.shell.pages import wanted_part
from gonemaster_api.ui.shell.texts.languages import language
from gonemaster_api.ui.shell.texts.zones import zone_name

LIFE_S = 2.0
View = Callable[..., Response]


def cached_partials(view: View) -> View:
    """Cache the partials of a view for two seconds, by URL, language and scope; whole pages are not cached.

    A partial must not show data that differs between two callers with the same scope.
    """

    @wraps(view)
    def shown(*args: Any, **kwargs: Any) -> Response:
        if not wanted_part() or request.method != "GET":
            return view(*args, **kwargs)
        key = (request.full_path, wanted_part(), language(), zone_name(), _scope())
        cached: Response = state().partials.get(key, lambda: _frozen(view(*args, **kwargs)), life_s=LIFE_S)
        if cached.status_code != HTTPStatus.OK:
            return view(*args, **kwargs)
        return Response(cached.get_data(), status=cached.status_code, headers=list(cached.headers))

    return shown


def clear_partials() -> None:
    """Clear the cache after a change, so that the next response shows it."""
    state().partials.forget()


def _frozen(response: Response) -> Response:
    response.freeze()
    return response


def _scope() -> str:
    identity = g.get("identity")
    return identity.token.scope.value if identity is not None else state().keyring.mode()
