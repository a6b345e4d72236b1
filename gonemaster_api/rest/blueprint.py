"""The flask-smorest classes with the parser and the error document of this API."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar

import flask_smorest
import marshmallow as ma
from flask import Response, json, make_response
from werkzeug.exceptions import HTTPException

from gonemaster_api.rest.openapi import BY_ROWS, IDEMPOTENCY_KEY, LAST_EVENT_ID
from gonemaster_api.rest.parsing import StrictParser
from gonemaster_api.state import state
from gonemaster_tasks.errors import BrokerUnavailable

UNAVAILABLE = "unavailable"


class ErrorBodySchema(ma.Schema):
    """The error object."""

    code = ma.fields.String(required=True, metadata={"description": "machine-readable; its meaning never changes"})
    message = ma.fields.String(required=True, metadata={"description": "for people"})
    details = ma.fields.Dict(metadata={"description": "machine-readable facts, depending on the code"})


class ErrorSchema(ma.Schema):
    """The body of every error."""

    error = ma.fields.Nested(ErrorBodySchema, required=True)


class Blueprint(flask_smorest.Blueprint):
    """A resource of the API."""

    ARGUMENTS_PARSER = StrictParser()

    def arguments(self, schema: Any, *, location: str = "json", **kwargs: Any) -> Any:
        """Read arguments. The OpenAPI document shows the example of a body's schema."""
        if location == "json":
            example = getattr(schema, "example", None)
            kwargs.setdefault("example", None if example is None else dict(example))
            kwargs.setdefault("required", not getattr(schema, "optional_body", False))
        if isinstance(schema, type):
            schema = schema()  # otherwise webargs creates an instance per request and copies all fields
        return super().arguments(schema, location=location, **kwargs)

    def refuses(self, **codes: str) -> Any:
        """Document the errors of a view, for example `refuses(_404="not_found")`."""

        def decorate(view: Any) -> Any:
            for status, description in codes.items():
                view = self.alt_response(int(status[1:]), schema=ErrorSchema, description=description)(view)
            return view

        return decorate

    def submits(self, *, invalid: str, query: type[ma.Schema] | None = None) -> Any:
        """Document a view that queues tests: its Idempotency-Key and its errors. `invalid` lists the codes of 400.

        `query` is the schema of its query, if it has one: documented parameters replace those of its arguments.
        """
        parameters: list[Any] = [IDEMPOTENCY_KEY]
        if query is not None:
            parameters.append({"in": "query", "schema": query})

        def decorate(view: Any) -> Any:
            refuses = self.refuses(
                _400=invalid,
                _409="idempotency_conflict, reference_gone",
                _413="body_too_large",
                _415="unsupported_media_type",
                _503="broker_unavailable, store_unavailable",
            )
            return self.doc(parameters=parameters)(refuses(view))

        return decorate

    def done_after_commit(self, view: Callable[..., Any]) -> Callable[..., Any]:
        """Mark a view whose change is complete once its rows are written. This must be the outermost decorator.

        The view succeeds without Redis as well, and the response then contains `"broker": "unavailable"`, which turns a
        204 into a 200. Messages, copies and calls to workers follow when Redis responds again.
        """

        @wraps(view)
        def answer(*args: Any, **kwargs: Any) -> Response:
            response = make_response(view(*args, **kwargs))
            return response if _broker_answers() else _with_absent_broker(response)

        return self.doc(**{BY_ROWS: True})(answer)  # type: ignore[no-any-return]  # flask-smorest has no types

    def streams_events(self, events: str) -> Any:
        """Document a view that responds with a stream of server-sent events; `events` names the events."""

        def decorate(view: Any) -> Any:
            view = self.refuses(
                _404="not_found", _429="too_many_client_streams", _503="too_many_streams, store_unavailable"
            )(view)
            ended = "the stream that Last-Event-ID refers to has ended"
            view = self.alt_response(204, description=ended, success=True)(view)
            description = f"server-sent events {events}; the stream ends after `done`"
            text = {"type": "string"}
            view = self.response(200, text, content_type="text/event-stream", description=description)(view)
            return self.doc(parameters=[LAST_EVENT_ID])(view)

        return decorate


def _broker_answers() -> bool:
    try:
        state().broker.ping()
    except BrokerUnavailable:
        return False
    return True


def _with_absent_broker(response: Response) -> Response:
    """Add to the body of a response that Redis is unavailable."""
    document = {} if response.status_code == 204 else json.loads(response.get_data())
    response.set_data(json.dumps({**document, "broker": UNAVAILABLE}))
    response.mimetype = "application/json"
    if response.status_code == 204:
        response.status_code = 200
    return response


class Api(flask_smorest.Api):
    """The OpenAPI document. Only `gonemaster_api.errors` handles errors."""

    ERROR_SCHEMA: ClassVar[type[ma.Schema]] = ErrorSchema
    DEFAULT_ERROR_RESPONSE_NAME = None  # operations list their errors; rest.openapi adds the common ones

    def _register_error_handlers(self) -> None:
        """Register no handlers, because those of flask-smorest would replace the error format of this API."""

    def handle_http_exception(self, error: HTTPException) -> Any:
        """Raise the error.

        This method is never called, since no handler is registered; it overrides the base class's method.
        """
        raise error
