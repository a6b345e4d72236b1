"""Calls of the API by tools: the tools are the same whether they run in the server or in `gonemaster-mcp`."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

_MAX_REFUSED = 10
ADMIN_API, PUBLIC_API = "/api/v1", "/pub/api/v1"


class CallFailed(Exception):
    """A call that the API refused or that failed; the text is for the language model."""


class ToolApi(ABC):
    """The API with the permissions and limits of one user."""

    @abstractmethod
    async def request(
        self, method: str, path: str, query: Mapping[str, Any], body: Any | None
    ) -> tuple[int, Mapping[str, Any] | list[Any]]:
        """Send a request and return the status and the JSON document of the response.

        Raises:
            CallFailed: there is no response, or it is not JSON.
        """

    @abstractmethod
    async def wait(self, seconds: float) -> None:
        """Wait before the next request.

        Raises:
            CallFailed: the server stops.
        """

    async def get(self, path: str, **query: Any) -> Any:
        """Return the document at a path of the API. Parameters with the value None are omitted.

        Raises:
            CallFailed: the API refused the request.
        """
        return await self._call("GET", path, query, None)

    async def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send a document without its None values and return the response.

        Raises:
            CallFailed: the API refused the request.
        """
        return await self._call("POST", path, {}, _given(body or {}))

    async def _call(self, method: str, path: str, query: Mapping[str, Any], body: Any) -> Any:
        full = path if path.startswith(PUBLIC_API) else ADMIN_API + path
        status, document = await self.request(method, full, _given(query), body)
        if status >= 400:
            raise CallFailed(_refusal(status, document.get("error", {}) if isinstance(document, Mapping) else {}))
        return document


def _refusal(status: int, error: Mapping[str, Any]) -> str:
    """Return an error of the API in a few lines, with the first names that it refused."""
    lines = [f"{error.get('code', status)}: {error.get('message', 'the request failed')}"]
    details = error.get("details")
    invalid = details.get("invalid") if isinstance(details, Mapping) else None
    refused = invalid if isinstance(invalid, list) else []
    lines += [f"- {item['domain']!r}: {item['reason']}" for item in refused[:_MAX_REFUSED]]
    return "\n".join(lines)


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def segment(text: str) -> str:
    """Return an ID or a name as one segment of a path.

    Raises:
        CallFailed: no ID or name has such a text, which would lead to another path.
    """
    if "/" in text or text in {".", ".."}:
        raise CallFailed(f"not_found: {text!r} is not an ID or a name")
    return quote(text, safe="")
