"""The template environment: compiles each template once, and removes line breaks of the source."""

import re
import threading
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

from flask.templating import Environment
from jinja2 import Template, TemplateError, nodes
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

_OF_MANY = ("components/", "shell/", "public/", "analysis/")
_EDGE_OF_TAG = re.compile(r"(<(?=[a-zA-Z/!])|>)")
_PARTIAL = re.compile(r"\sdata-partial=")
_LINE_BREAK = re.compile(r"\s*\n\s*")
_OUTER_LINE_BREAK = re.compile(r"^\s*\n\s*|\s*\n\s*$")


class Layout(Extension):
    """A Jinja extension that removes line breaks and indentation when a template is compiled.

    Templates have one element per line, as djlint formats them; without this extension, a space between two inline
    elements would be visible. A line break next to a tag, a statement or an expression is removed; one between words or
    attributes becomes a space. A space between two elements is written `{{ " " }}`, or within a line.
    """

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """Yield the tokens of a template, with the line breaks removed from its text."""
        in_tag = False
        for token in stream:
            if token.type != "data":
                yield token
                continue
            pieces = _EDGE_OF_TAG.split(token.value)
            for position, piece in enumerate(pieces):
                if piece in ("<", ">"):
                    in_tag = piece == "<"
                else:
                    pieces[position] = _LINE_BREAK.sub(" ", piece if in_tag else _OUTER_LINE_BREAK.sub("", piece))
            if text := "".join(pieces):
                yield Token(token.lineno, "data", text)


class TemplateEnvironment(Environment):
    """Flask's environment, with a lock so that only one thread at a time compiles a template.

    By default every thread compiles a template that is not cached yet. After a start, parallel visitors then repeat the
    same work and requests time out with 503.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # Reentrant: a template loads others while it is rendered, not while it is compiled.
        self._compiling = threading.RLock()

    def get_template(
        self,
        name: str | Template,
        parent: str | None = None,
        globals: MutableMapping[str, Any] | None = None,  # noqa: A002 - as in the base class
    ) -> Template:
        """Load a template, as the base class does."""
        with self._compiling:
            return super().get_template(name, parent, globals)


@lru_cache(1024)  # the templates of a process do not change
def parts_of(environment: Environment, name: str) -> frozenset[str]:
    """Return the partials that a template is or includes, directly or through another template."""
    source = environment.loader.get_source(environment, name)[0]  # type: ignore[union-attr]  # Flask sets the loader
    included = [node.template for node in environment.parse(source).find_all(nodes.Include)]
    parts = [parts_of(environment, node.value) for node in included if isinstance(node, nodes.Const)]
    return frozenset({name} if _PARTIAL.search(source) else ()).union(*parts)


def compile_pages(environment: Environment) -> None:
    """Compile the shared templates and the public pages before the first visitor.

    The admin pages are compiled on demand, because they would delay the start. Errors are ignored here: a request for a
    broken template reports them, and a temporary lack of file descriptors must not stop the start.
    """
    with suppress(OSError, TemplateError):
        for name in environment.list_templates(filter_func=lambda name: name.startswith(_OF_MANY)):
            environment.get_template(name)
