"""The flask-smorest classes with this API's parser and error document."""

from typing import Any, ClassVar

import flask_smorest
import marshmallow as ma
from werkzeug.exceptions import HTTPException

from gonemaster_api.rest.parsing import StrictParser


class ErrorBodySchema(ma.Schema):
    """What went wrong."""

    code = ma.fields.String(required=True, metadata={"description": "for programs; never changes its meaning"})
    message = ma.fields.String(required=True, metadata={"description": "for people"})
    details = ma.fields.Dict(metadata={"description": "facts that belong to the code"})


class ErrorSchema(ma.Schema):
    """The body of every error."""

    error = ma.fields.Nested(ErrorBodySchema, required=True)


class Blueprint(flask_smorest.Blueprint):
    """A resource of the API."""

    ARGUMENTS_PARSER = StrictParser()

    def arguments(self, schema: Any, *, location: str = "json", **kwargs: Any) -> Any:
        """Read arguments; the document shows the example of the schema of a body."""
        if location == "json":
            example = getattr(schema, "example", None)
            kwargs.setdefault("example", None if example is None else dict(example))
            kwargs.setdefault("required", not getattr(schema, "optional_body", False))
        return super().arguments(schema, location=location, **kwargs)

    def refuses(self, **codes: str) -> Any:
        """Document the refusals of a view, for example `refuses(_404="not_found")`."""

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
        """Leave the handlers as they are: flask-smorest would put its own error shape in their place."""

    def handle_http_exception(self, error: HTTPException) -> Any:
        """Never called, since no handler is registered; kept from the documentation of the base class."""
        raise error
