"""The error format of the API, and the table that maps exceptions to status and code."""

import errno
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, current_app, jsonify, request
from werkzeug.exceptions import HTTPException, InternalServerError

from gonemaster_db.core import errors as store
from gonemaster_engine.texts import Text, mark, text_of
from gonemaster_tasks.errors import BrokerFull, BrokerUnavailable, NothingToRerun, OptionsTooLarge

RETRY_AFTER_S = 5
# Errors of an operating system that has temporarily run out of resources.
_OUT_OF_RESOURCES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

MISSING = {
    "job": mark("no such job: {key}"),
    "run": mark("no such run: {key}"),
    "domain": mark("no such domain: {key}"),
    "batch": mark("no such batch: {key}"),
    "tag": mark("no such tag: {key}"),
    "profile": mark("no such profile: {key}"),
    "policy": mark("no such policy: {key}"),
    "cohort": mark("no such cohort: {key}"),
    "snapshot": mark("no such snapshot: {key}"),
    "operation": mark("no such operation: {key}"),
    "watch": mark("no such watch: {key}"),
    "rstcheck": mark("no such rehearsal: {key}"),
    "decision": mark("no such decision: {key}"),
    "rollover": mark("watch {key} is not of kind rollover"),
    "worker": mark("no such worker: {key}"),
    "token": mark("no such token: {key}"),
    "share link": mark("no such share link: {key}"),
    "domain in the snapshot": mark("no such domain in the snapshot: {key}"),
    "address of a name server": mark("no such address of a name server: {key}"),
    "message tag": mark("no such message tag: {key}"),
    "name server": mark("no such name server: {key}"),
    "AS": mark("no such AS: {key}"),
    "prefix": mark("no such prefix: {key}"),
    "row": mark("no such row: {key}"),
    "test case": mark("no such test case: {key}"),
    "grade": mark("no such grade: {key}"),
    "history": mark("no such history: {key}"),
    "badge": mark("no such badge: {key}"),
    "score of run": mark("no score for this run: {key}"),
    "AS names": mark("no such AS names: {key}"),
    "part of this page": mark("no such part of this page: {key}"),
    "root cause": mark("no such root cause: {key}"),
    "DNSSEC chain": mark("no such DNSSEC chain: {key}"),
    "DNSSEC chain of run": mark("no such DNSSEC chain of run: {key}"),
    "tag with domains": mark("no such tag with domains: {key}"),
    "public test of the domain": mark("no such public test of the domain: {key}"),
    "run of this domain": mark("no such run of this domain: {key}"),
    "second run of this domain": mark("no other run of this domain: {key}"),
    "public report (scores are not public)": mark("no such public report (scores are not public): {key}"),
}
_EXISTS = {
    "tag": mark("the tag {key} already exists"),
    "profile": mark("the profile {key} already exists"),
    "policy": mark("the policy {key} already exists"),
    "cohort": mark("the cohort {key} already exists"),
    "slug": mark("the slug {key} already exists"),
    "token": mark("the token {key} already exists"),
}

log = structlog.get_logger(__name__)


def logged_path() -> str:
    """Return the path of the request for logs and traces; the secret of a link that shares a result is masked."""
    secret = (request.view_args or {}).get("secret")
    return request.path.replace(secret, "***") if secret else request.path


class ApiError(Exception):
    """An error response: status, code, a message for people, and details for programs."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = dict(details) if details else None
        self.headers = dict(headers or {})


class BadRequest(ApiError):
    """An invalid request: status 400 and a code that identifies the error."""

    def __init__(self, code: str, message: str, *, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(HTTPStatus.BAD_REQUEST, code, message, details=details)


class NotFound(ApiError):
    """An entity that does not exist, or no longer exists."""

    def __init__(self, kind: str, key: object) -> None:
        text = Text(MISSING.get(kind, f"no such {kind}: {{key}}"), key=repr(str(key)[:100]))
        super().__init__(HTTPStatus.NOT_FOUND, "not_found", text)


class Conflict(ApiError):
    """A request that conflicts with the current state."""

    def __init__(self, code: str, message: str, *, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(HTTPStatus.CONFLICT, code, message, details=details)


class Unavailable(ApiError):
    """A component that the request needs is unavailable; the client may retry."""

    def __init__(self, code: str, message: str, *, issue: str = "") -> None:
        headers = {"Retry-After": str(RETRY_AFTER_S)}
        details = {"issue": issue} if issue else None
        super().__init__(HTTPStatus.SERVICE_UNAVAILABLE, code, message, details=details, headers=headers)


# Errors raised by werkzeug and Flask; any other status gets the code http_error.
_HTTP_CODES = {
    400: ("bad_request", Text("the request is malformed")),
    401: ("unauthorized", Text("authentication is required")),
    403: ("forbidden", Text("access is forbidden")),
    404: ("not_found", Text("there is nothing at this URL")),
    405: ("method_not_allowed", Text("this path does not support the method")),
    413: ("body_too_large", Text("the body is larger than this path accepts")),
    415: ("unsupported_media_type", Text("the body must be application/json")),
    500: ("internal_error", Text("internal server error; see the log of the server")),
}


def error_document(code: str, message: str, details: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the error document: `{"error": {"code", "message", "details"?}}`."""
    error: dict[str, Any] = {"code": code, "message": str(message)}
    if details:
        error["details"] = _plain(details)
    return {"error": error}


def _plain(value: Any) -> Any:
    """Return a value of a document with plain strings in place of `Text` objects."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, str) else value


_PAGES = "gonemaster-error-page"


def set_error_page(app: Flask, page: Callable[[ApiError], Response | None]) -> None:
    """Set the function that creates error pages for browsers; it returns None for other clients."""
    app.extensions[_PAGES] = page


def _answer(error: ApiError) -> Response:
    response = _page_of(error)
    if response is None:
        response = jsonify(error_document(error.code, error.message, error.details))
        response.status_code = error.status
    response.headers.update(error.headers)
    response.error_code = error.code  # type: ignore[attr-defined]  # read by the access log
    return response


def _page_of(error: ApiError) -> Response | None:
    page = current_app.extensions.get(_PAGES)
    try:
        return page(error) if page else None
    except Exception:  # the error response is sent in any case
        log.exception("error page failed", code=error.code)
        return None


def _from_http(error: HTTPException) -> Response:
    if error.response is not None or error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return error.get_response()  # type: ignore[return-value]  # redirects keep their own body
    code, message = _HTTP_CODES.get(error.code, ("http_error", error.name.lower()))
    headers = {
        name: value
        for name, value in error.get_headers(request.environ)
        if name in {"Allow", "Retry-After", "WWW-Authenticate"}
    }
    return _answer(ApiError(error.code, code, message, headers=headers))


def _from_store(error: store.StoreError) -> Response:
    log.error("database error", exc_info=error)
    return _answer(
        ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "store_error", Text("database error; see the log of the server"))
    )


def _from_absent_store(error: store.StoreError) -> Response:
    log.warning("database unavailable", error=str(error))
    if isinstance(error, store.StoreFull):
        return _answer(Unavailable("store_unavailable", Text("the disk of the database is full"), issue="disk_full"))
    return _answer(Unavailable("store_unavailable", Text("the database is unavailable")))


def _from_unavailable_files(error: store.FilesUnavailable) -> Response:
    log.error("files of the analysis unavailable", error=str(error))
    text = Text("the data of this snapshot cannot be read ({name}); the log of the server says why", name=error.name)
    if not error.name:
        text = Text("the data of this snapshot cannot be read; the log of the server says why")
    return _answer(Unavailable("analysis_files_unavailable", text))


def _from_time_limit(_error: store.TimeLimitExceeded) -> Response:
    return _answer(Unavailable("request_timeout", Text("the time limit for the response was exceeded")))


def _from_pending_statistics(error: store.StatisticsPending) -> Response:
    return _answer(Unavailable("statistics_pending", text_of(error)))


def _from_missing_row(error: store.NotFound) -> Response:
    kind = type(error).__name__.removesuffix("NotFound").lower() or "row"
    missing = NotFound(kind, error.key)
    if isinstance(error, store.ProfileNotFound):
        missing.code = "profile_not_found"
    return _answer(missing)


def _from_state(error: store.JobStateError) -> Response:
    return _answer(Conflict("invalid_state", text_of(error)))


def _from_exists(error: store.AlreadyExists) -> Response:
    kind = type(error).__name__.removesuffix("Exists").lower()
    return _answer(Conflict(f"{kind}_exists", Text(_EXISTS[kind], key=repr(str(error.key)[:100]))))


def _from_used_tag(error: store.TagInUse) -> Response:
    return _answer(Conflict("tag_in_use", Text("{error}; delete the cohort first", error=text_of(error))))


def _from_used_domain(error: store.DomainInUse) -> Response:
    return _answer(
        Conflict(
            "domain_in_use", Text("{error}; cancel it first", error=text_of(error)), details={"domain": error.domain}
        )
    )


def _from_queue_mismatch(error: store.QueueMismatch) -> Response:
    return _answer(BadRequest("invalid_queue", text_of(error)))


def _from_tier_mismatch(error: store.TierMismatch) -> Response:
    return _answer(BadRequest("tier_mismatch", text_of(error)))


def _from_ambiguous_profile(error: store.AmbiguousProfile) -> Response:
    tags = Text("the tags of {domain}", domain=error.domain) if error.domain else Text("the domain's tags")
    details = {"profile_ids": error.profile_ids} | ({"domain": error.domain} if error.domain else {})
    text = Text("{tags} have different default profiles; specify profile_id", tags=tags)
    return _answer(BadRequest("ambiguous_profile", text, details=details))


def _from_unfinished_batch(error: store.JobsNotTerminal) -> Response:
    if error.unfinished == 1:
        text = Text("one job of the batch is not finished")
    else:
        text = Text("{number} jobs of the batch are not finished", number=error.unfinished)
    return _answer(Conflict("jobs_not_terminal", text, details={"unfinished": error.unfinished}))


def _from_nothing_to_repeat(error: NothingToRerun) -> Response:
    return _answer(Conflict("nothing_to_repeat", text_of(error)))


def _from_options(error: OptionsTooLarge) -> Response:
    details = {"limit": error.limit, "given": error.size}
    return _answer(BadRequest("options_too_large", text_of(error), details=details))


def _from_gone_reference(_error: store.ReferenceGone) -> Response:
    return _answer(Conflict("reference_gone", Text("an object that the request refers to was deleted concurrently")))


def _from_too_many_watches(error: store.TooManyWatches) -> Response:
    text = Text("the limit of {limit} watches is reached", limit=error.limit)
    return _answer(Conflict("too_many_watches", text, details={"limit": error.limit}))


def _from_idempotency(_error: store.IdempotencyConflict) -> Response:
    return _answer(
        Conflict(
            "idempotency_conflict",
            Text("this Idempotency-Key was used with a different request within the last 24 hours"),
        )
    )


def _from_absent_broker(error: BrokerUnavailable) -> Response:
    log.warning("broker unavailable", error=str(error))
    if isinstance(error, BrokerFull):
        return _answer(
            Unavailable("broker_unavailable", Text("the memory of the broker is full"), issue="redis_memory")
        )
    return _answer(Unavailable("broker_unavailable", Text("the broker is unavailable")))


def _from_system(error: OSError) -> Response:
    """Respond with 503 to a temporary lack of file descriptors or memory, and with 500 to other errors.

    Libraries open files in unexpected places: redis-py reads the metadata of its package for each new connection.
    """
    if error.errno not in _OUT_OF_RESOURCES:
        return _from_anything(error)
    log.warning("out of resources", error=str(error), path=logged_path(), method=request.method)
    return _answer(Unavailable("overloaded", Text("the server is overloaded")))


def _from_anything(error: Exception) -> Response:
    """Respond to an unexpected exception. The traceback is written to the log and never sent to the client."""
    log.error("request failed", exc_info=error, path=logged_path(), method=request.method)
    response = _from_http(InternalServerError())
    response.panicked = True  # type: ignore[attr-defined]  # read by the metrics
    return response


def register_error_handlers(app: Flask) -> None:
    """Register the handlers that give every error response the same format."""
    handlers: dict[type[Exception], Callable[[Any], Response]] = {
        ApiError: _answer,
        HTTPException: _from_http,
        store.StoreError: _from_store,
        store.StoreUnavailable: _from_absent_store,
        store.TimeLimitExceeded: _from_time_limit,
        store.FilesUnavailable: _from_unavailable_files,
        store.StatisticsPending: _from_pending_statistics,
        store.StoreConflict: _from_absent_store,
        store.NotFound: _from_missing_row,
        store.AlreadyExists: _from_exists,
        store.JobStateError: _from_state,
        store.TagInUse: _from_used_tag,
        store.DomainInUse: _from_used_domain,
        store.QueueMismatch: _from_queue_mismatch,
        store.TierMismatch: _from_tier_mismatch,
        store.AmbiguousProfile: _from_ambiguous_profile,
        store.JobsNotTerminal: _from_unfinished_batch,
        store.ReferenceGone: _from_gone_reference,
        store.IdempotencyConflict: _from_idempotency,
        store.TooManyWatches: _from_too_many_watches,
        BrokerUnavailable: _from_absent_broker,
        NothingToRerun: _from_nothing_to_repeat,
        OptionsTooLarge: _from_options,
        OSError: _from_system,
        Exception: _from_anything,
    }
    for error, handler in handlers.items():
        app.register_error_handler(error, handler)
