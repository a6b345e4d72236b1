"""The MCP endpoint of the server: the SDK reads one message and writes the response; nothing remains afterwards."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlencode

from mcp.server.streamable_http import check_accept_headers
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.requests import Request

from gonemaster_api.errors import ApiError
from gonemaster_api.mcp.calls import CallFailed, ToolApi
from gonemaster_api.mcp.server import OnCall, make_server
from gonemaster_api.web.asgi_responses import InnerRequest
from gonemaster_api.web.body_limits import MAX_MCP_BODY

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class InnerApi(ToolApi):
    """The API of this process, with the client and the token of the MCP request."""

    def __init__(self, inner: InnerRequest, stopping: threading.Event) -> None:
        self._inner, self._stopping = inner, stopping

    async def request(
        self, method: str, path: str, query: Mapping[str, Any], body: Any | None
    ) -> tuple[int, Mapping[str, Any] | list[Any]]:
        """Send a request to the application.

        Raises:
            CallFailed: the server is overloaded.
        """
        target = f"{path}?{urlencode(query)}" if query else path
        try:
            status, content = await self._inner(method, target, b"" if body is None else json.dumps(body).encode())
        except ApiError as error:
            raise CallFailed(f"{error.code}: {error.message}") from error
        return status, json.loads(content)

    async def wait(self, seconds: float) -> None:
        """Wait before the next request.

        Raises:
            CallFailed: the server stops.
        """
        await asyncio.sleep(seconds)
        if self._stopping.is_set():
            raise CallFailed("the server is stopping; call again later")


async def respond(
    body: bytes,
    scope: dict[str, Any],
    receive: Receive,
    send: Send,
    *,
    api: ToolApi,
    allow_write: bool,
    on_call: OnCall,
) -> None:
    """Let the SDK respond to a message: with events unless the client accepts only JSON."""
    _, accepts_events = check_accept_headers(Request(scope))
    manager = StreamableHTTPSessionManager(
        make_server(api, allow_write=allow_write, on_call=on_call),
        stateless=True,
        json_response=not accepts_events,
        max_request_body_size=MAX_MCP_BODY,
    )
    pending: list[MutableMapping[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> MutableMapping[str, Any]:
        return pending.pop() if pending else await receive()

    async with manager.run():
        await manager.handle_request(scope, next_message, send)
