"""Forms and queries of pages: validated by the API's schemas, with one error per field; the typed values are kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import marshmallow as ma
from flask import request
from webargs.multidictproxy import MultiDictProxy

from gonemaster_api.errors import ApiError
from gonemaster_api.rest.parsing import storable
from gonemaster_api.rest.plain_text import with_line_feeds
from gonemaster_api.ui.shell.texts.languages import gettext
from gonemaster_api.ui.shell.texts.refusals import in_language
from gonemaster_engine.texts import joined

SUMMARY = ""  # the key of an error that belongs to no field


@dataclass
class Form:
    """The typed values and their errors by field; errors that belong to no field have an empty name."""

    values: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)

    @classmethod
    def sent(cls) -> "Form":
        """Read the form of this request, without spaces around values, with LF as line end and NUL replaced."""
        given = request.form.lists()
        lists = {name: [with_line_feeds(storable(text)).strip() for text in texts] for name, texts in given}
        return cls({name: texts[0] for name, texts in lists.items()}, lists)

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")

    def all(self, name: str) -> list[str]:
        """Return all values of a field that may occur more than once."""
        return self.lists.get(name, [])

    def fail(self, name: str, text: str, code: str = "") -> None:
        """Record the error of a field; the first error of a field is kept."""
        self.errors.setdefault(name, in_language(text))
        self.codes.setdefault(name, code)

    def fail_as(self, error: ApiError, **names: str) -> None:
        """Record an error of a use case at its field; `names` maps API names that differ in the form."""
        name = str((error.details or {}).get("field", SUMMARY))
        name = names.get(name, name)
        self.fail(name if name in self.values else SUMMARY, error.message, error.code)

    def check(self, schema: type[ma.Schema], document: Mapping[str, Any]) -> dict[str, Any]:
        """Load a document by a schema of the API, and record its errors at the fields with the same names."""
        try:
            loaded: dict[str, Any] = schema().load(document)
        except ma.ValidationError as error:
            for name, messages in error.messages_dict.items():
                self.fail(name, first_message(messages), f"invalid_{name}")
            return dict(error.valid_data or {})
        return loaded

    @property
    def is_valid(self) -> bool:
        """Whether there are no errors."""
        return not self.errors

    @property
    def status(self) -> int:
        """The status of the page that shows the form."""
        return HTTPStatus.OK if self.is_valid else HTTPStatus.BAD_REQUEST


@dataclass(frozen=True)
class Problem:
    """A rejected parameter of a query, with the code of the API."""

    name: str
    text: str
    code: str


@dataclass(frozen=True)
class PageQuery:
    """The values of a query, with defaults in place of invalid values, and the problems."""

    values: dict[str, Any]
    problems: list[Problem]

    @property
    def status(self) -> int:
        """The status of the page."""
        return HTTPStatus.BAD_REQUEST if self.problems else HTTPStatus.OK


def read_query(schema: type[ma.Schema], **defaults: Any) -> PageQuery:
    """Read the query of this page by a schema of the API; `defaults` are those of the page, such as `limit=50`.

    An empty value, which forms send for an empty field, counts as absent.

    Raises:
        ValidationError: a required parameter is missing and has no default.
    """
    loaded = schema()
    given = request.args.copy()
    for name in [name for name, text in request.args.items() if text == ""]:
        given.poplist(name)
    for name, value in defaults.items():
        given.setdefault(name, str(value))
    try:
        return PageQuery(loaded.load(MultiDictProxy(given, loaded)), [])
    except ma.ValidationError as error:
        problems = [_problem(schema, name, messages) for name, messages in error.messages_dict.items()]
    for problem in problems:
        given.poplist(problem.name)
        if problem.name in defaults:
            given[problem.name] = str(defaults[problem.name])
    return PageQuery(loaded.load(MultiDictProxy(given, loaded)), problems)


def _problem(schema: type[ma.Schema], name: str, messages: Any) -> Problem:
    code = getattr(schema, "error_codes", {}).get(name, f"invalid_{name}")
    return Problem(name, in_language(joined(": ", (name, first_message(messages)))), code)


def problem_of(error: ApiError) -> Problem:
    """Return the error of a query in the form that pages show."""
    return Problem(str((error.details or {}).get("field", "")), in_language(error.message), error.code)


def first_message(messages: Any) -> str:
    """Return the first message of an error tree of marshmallow."""
    while isinstance(messages, dict | list):
        if not messages:
            return gettext("invalid value")
        messages = next(iter(messages.values())) if isinstance(messages, dict) else messages[0]
    message: str = messages
    return message
