"""The tools over standard input and output, with the HTTP API of a server."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx2
from mcp.server.stdio import stdio_server

from gonemaster_api.mcp.calls import CallFailed, ToolApi
from gonemaster_api.mcp.server import make_server

_TIMEOUT_S = 60.0


class RemoteApi(ToolApi):
    """The API of a server, over HTTP."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def request(
        self, method: str, path: str, query: Mapping[str, Any], body: Any | None
    ) -> tuple[int, Mapping[str, Any] | list[Any]]:
        """Send a request.

        Raises:
            CallFailed: there is no response, or it is not JSON.
        """
        url = self._client.base_url
        try:
            response = await self._client.request(method, path, params=query, json=body)
            return response.status_code, response.json()
        except httpx2.HTTPError as error:
            raise CallFailed(f"the server {url} does not answer: {error}") from error
        except ValueError as error:
            raise CallFailed(f"{url} is not a gonemaster server: its response is not JSON") from error

    async def wait(self, seconds: float) -> None:
        """Wait before the next request."""
        await asyncio.sleep(seconds)


async def serve(url: str, token: str, *, allow_write: bool) -> None:
    """Serve the tools until standard input ends."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        httpx2.AsyncClient(base_url=url, headers=headers, timeout=_TIMEOUT_S) as client,
        stdio_server() as (incoming, outgoing),
    ):
        server = make_server(RemoteApi(client), allow_write=allow_write)
        await server.run(incoming, outgoing, server.create_initialization_options())
