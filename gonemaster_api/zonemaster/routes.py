"""The endpoint of the JSON-RPC API."""

import re
from typing import Any

from flask import Blueprint, Response, abort, g, jsonify, request

from gonemaster_api.rest.parsing import parse_json
from gonemaster_api.state import State, state
from gonemaster_api.ui.shell.texts.languages import ENGLISH, languages
from gonemaster_api.ui.shell.texts.refusals import in_language
from gonemaster_api.web.body_limits import read_blocks
from gonemaster_api.web.hosts import OWN_LISTENER
from gonemaster_api.web.rate_limits import count_call
from gonemaster_api.zonemaster.errors import (
    INTERNAL,
    INVALID_PARAMS,
    INVALID_REQUEST,
    MESSAGES,
    METHOD_NOT_FOUND,
    RpcError,
    error_of_response,
)
from gonemaster_api.zonemaster.methods import METHODS
from gonemaster_engine.texts import Text

_METHOD = re.compile("[a-zA-Z0-9_-]*", re.ASCII)
_MAX_ID = 1000  # characters of an id that is a string

ZONEMASTER_PATH = "/zonemaster/api"

blueprint = Blueprint("zonemaster", __name__)


@blueprint.post(ZONEMASTER_PATH)
def call() -> Response:
    """Answer one call. Errors of a call have the status 200, which clients of Zonemaster expect."""
    shared = state()
    if not shared.settings.zonemaster_api and OWN_LISTENER not in request.environ:
        abort(404)
    document = parse_json(read_blocks(request), max_values=_max_values(shared))
    try:
        answer = {"jsonrpc": "2.0", "id": _read_id(document), "result": _result(shared, document)}
    except RpcError as error:
        return _refusal(error)
    return jsonify(answer)


def _max_values(shared: State) -> int:
    return shared.settings.max_batch_size + 1000


def _read_id(document: Any) -> Any:
    """Return the ID of a request object, and note that the request can be answered.

    Raises:
        RpcError: it is not a request object.
    """
    problem = _problem_of(document)
    if problem:
        raise RpcError(INVALID_REQUEST, MESSAGES[INVALID_REQUEST], problem)
    g.rpc_id = document["id"]
    return g.rpc_id


def _problem_of(document: Any) -> str:
    if not isinstance(document, dict):
        return "/: Expected object."
    if "id" not in document:
        return "/id: Missing property."
    number = document["id"]
    if isinstance(number, bool) or not isinstance(number, int | float | str | None) or len(str(number)) > _MAX_ID:
        return "/id: Expected null, number or string."
    for name in ("jsonrpc", "method"):
        if not isinstance(document.get(name), str):
            return f"/{name}: Expected string." if name in document else f"/{name}: Missing property."
    return "" if _METHOD.fullmatch(document["method"]) else "/method: String does not match ^[a-z0-9_-]*$."


def _result(shared: State, document: dict[str, Any]) -> Any:
    method = METHODS.get(document["method"])
    if method is None or not method.is_enabled(shared.settings):
        raise RpcError(METHOD_NOT_FOUND, f"Procedure '{document['method'][:100]}' not found")
    count_call(method.bucket)
    if "params" not in document and method.required:
        raise RpcError(INVALID_PARAMS, Text("Missing 'params' object"))
    params = document.get("params", {})
    _choose_language(params)
    return method.call(shared, method.check(params))


def _choose_language(params: Any) -> None:
    """Use the language of the parameters for messages, English if it has no texts."""
    wanted = params.get("language") if isinstance(params, dict) else None
    g.ui_language = wanted if wanted in languages() else ENGLISH


def _refusal(error: RpcError) -> Response:
    document = error.as_dict()
    document["message"] = in_language(error.message)
    if isinstance(error.data, list):
        document["data"] = [item | {"message": in_language(item["message"])} for item in error.data]
    if error.code == METHOD_NOT_FOUND:
        return jsonify({"error": document})  # like Zonemaster, without version and ID
    return jsonify({"jsonrpc": "2.0", "id": g.get("rpc_id"), "error": document})


@blueprint.after_request
def _as_json_rpc(response: Response) -> Response:
    """Convert an error response of the service.

    The status stays if the request was refused before its call was known, for example because of its size.
    """
    code = getattr(response, "error_code", None)
    if code is None or (code == "not_found" and "rpc_id" not in g):  # the API is disabled
        return response
    error = error_of_response(response)
    answer = _refusal(error)
    response.set_data(answer.get_data())
    response.mimetype = "application/json"
    if "rpc_id" in g or error.code != INTERNAL:
        response.status_code = 200
    return response
