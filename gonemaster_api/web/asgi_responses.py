"""Responses that an ASGI application writes after Flask has applied the rules for all requests."""

from collections.abc import Awaitable, Callable
from typing import Any

ASGI_RESPONSE = "gonemaster.asgi_response"  # environ key: an AsgiResponse
# Send a request with method, target and body as part of another request: with the client, token and limits of that
# request. Return status and content. Raises ApiError if no thread became free in time.
InnerRequest = Callable[[str, str, bytes], Awaitable[tuple[int, bytes]]]
AsgiResponse = Callable[[dict[str, Any], Any, Any, InnerRequest], Awaitable[None]]
