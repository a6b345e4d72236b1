"""The flask-smorest classes with this API's parser and error document."""

from typing import Any, ClassVar

import flask_smorest
import marshmallow as ma
from werkzeug.exceptions import HTTPException

from gonemaster_api.rest.parsing import StrictParser


class ErrorBodySchema(ma.Schema):
    """The error."""

    code = ma.fields.String(required=True, metadata={"description": "for programs; its meaning never changes"})
    message = ma.fields.String(required=True, metadata={"description": "for people"})
    details = ma.fields.Dict(metadata={"description": "facts for programs, depending on the code"})


class ErrorSchema(ma.Schema):
    """The body of every error."""

    error = ma.fields.Nested(ErrorBodySchema, required=True)


class Blueprint(flask_smorest.Blueprint):
    """A resource of the API."""

    ARGUMENTS_PARSER = StrictParser()

    def arguments(self, schema: Any, *, location: str = "json", **kwargs: Any) -> Any:
        """Read arguments; the OpenAPI document shows the example of a body's schema."""
        if location == "json":
            example = getattr(schema, "example", None)
            kwargs.setdefault("example", None if example is None else dict(example))
            kwargs.setdefault("required", not getattr(schema, "optional_body", False))
        return super().arguments(schema, location=location, **kwargs)

    def refuses(self, **codes: str) -> Any:
        """Document the errors of a view, for example `refuses(_404="not_found")`."""

        def decorate(view: Any) -> Any:
            for status, description in codes.items():
                view = self.alt_response(int(status[1:]), schema=ErrorSchema, description=description)(view)
            return view

        return decorate


class Api(flask_smorest.Api):
    """The OpenAPI document; errors are answered by `gonemaster_api.errors` alone."""

    ERROR_SCHEMA: ClassVar[type[ma.Schema]] = ErrorSchema
    DEFAULT_ERROR_RESPONSE_NAME = None  # operations name their refusals, gonemaster_api.rest.openapi adds common ones

    def _register_error_handlers(self) -> None:
        """Register none: flask-smorest's would replace our error shape by its own."""

    def handle_http_exception(self, error: HTTPException) -> Any:
        """Never called, since no handler is registered; kept from the documentation of the base class."""
        raise error
