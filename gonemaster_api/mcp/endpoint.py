"""The route of the MCP endpoint. The first request imports the SDK: a server without MCP needs no memory for it.

Flask identifies the user and applies the rules for all requests. Then the SDK responds on the event loop, because a
call may wait minutes for a test and must not occupy a thread. Its tools call the API of this process.
"""

from importlib.util import find_spec
from typing import Any

from flask import Response, g, request
from flask.views import MethodView

from gonemaster_api.errors import ApiError
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.state import state
from gonemaster_api.web.asgi_responses import ASGI_RESPONSE, InnerRequest
from gonemaster_api.web.authentication import refuse
from gonemaster_api.web.clients import client_key
from gonemaster_api.web.exporter import http_metrics
from gonemaster_engine.texts import Text

_COOKIE = Text("this path needs a token: Authorization: Bearer gm_...; it does not accept the cookie of a session")
_EXAMPLE = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "ping", "arguments": {}}}
_MESSAGE = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}, "example": _EXAMPLE}},
        "description": "a JSON-RPC message of the protocol, at most 4 MiB",
    }
}

blueprint = Blueprint("mcp", __name__, url_prefix="/mcp", description="Model Context Protocol (MCP)")


@blueprint.route("")
class ContextProtocol(MethodView):
    """The MCP endpoint."""

    @blueprint.doc(**_MESSAGE)
    @blueprint.response(200, {"type": "object"}, description="the JSON-RPC response")
    @blueprint.alt_response(200, schema={"type": "string"}, content_type="text/event-stream", success=True)
    @blueprint.alt_response(202, schema={"type": "string"}, success=True, description="a notification was received")
    @blueprint.refuses(
        _400="an invalid message",
        _404="not_found: `mcp_enabled` is false",
        _429="too_many_client_streams",
        _501="not_installed",
        _503="too_many_streams",
    )
    def post(self) -> Response:
        """Handle one message of the Model Context Protocol (streamable HTTP without sessions).

        The response is a stream of events unless the client accepts only JSON. Errors of the protocol have its form.
        """
        shared = state()
        settings = shared.settings
        if not settings.mcp_enabled:
            raise ApiError(404, "not_found", Text("there is nothing at this URL"))
        identity = g.get("identity")
        if identity is not None and identity.by == "cookie":
            refuse(shared, _COOKIE)
        if find_spec("mcp") is None:
            text = Text("MCP is not installed on this server: pip install 'gonemaster[mcp]'")
            raise ApiError(501, "not_installed", text)
        from gonemaster_api.mcp import http  # in this thread, because it would block the event loop for a second

        body, calls = request.get_data(), http_metrics().tool_calls
        leave = shared.seats.take(client_key())

        async def respond(scope: dict[str, Any], receive: Any, send: Any, inner: InnerRequest) -> None:
            try:
                await http.respond(
                    body,
                    scope,
                    receive,
                    send,
                    api=http.InnerApi(inner, shared.stopping),
                    allow_write=settings.mcp_allow_write,
                    on_call=lambda tool, outcome: calls.labels(outcome, tool).inc(),
                )
            finally:
                leave()

        request.environ[ASGI_RESPONSE] = respond
        return Response(mimetype="application/json")
