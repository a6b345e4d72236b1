"""The environment of templates: each is compiled once, and its line breaks do not reach the page."""

import re
import threading
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from typing import Any

from flask.templating import Environment
from jinja2 import Template, TemplateError
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

_OF_MANY = ("components/", "shell/", "public/", "analysis/")
_EDGE_OF_TAG = re.compile(r"(<(?=[a-zA-Z/!])|>)")
_LINE_BREAK = re.compile(r"\s*\n\s*")
_OUTER_LINE_BREAK = re.compile(r"^\s*\n\s*|\s*\n\s*$")


class Layout(Extension):
    """Removes line breaks and indentation when a template is compiled.

    A template has one element a line, as djlint formats it; in the page, a space between two inline elements would be
    visible. A line break beside a tag, a statement or an expression leaves nothing, one between words or attributes
    leaves a space. A space between two elements is written `{{ " " }}`, or stands within a line.
    """

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """Yield the tokens of a template, those of its text without the line breaks."""
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
    """Flask's environment, in which threads wait for one another while a template is compiled.

    Jinja lets each thread compile what it does not find yet. After a start with 24 visitors that was 24 times half a
    second of work for one interpreter, and most of them got 503.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._compiling = threading.RLock()  # a template loads others while it is rendered, not while it is compiled

    def get_template(
        self,
        name: str | Template,
        parent: str | None = None,
        globals: MutableMapping[str, Any] | None = None,  # noqa: A002 - as in the base class
    ) -> Template:
        """Load a template, as the base class does."""
        with self._compiling:
            return super().get_template(name, parent, globals)


def compile_pages(environment: Environment) -> None:
    """Compile what all pages share and those that many may ask for at once, before the first visitor comes.

    It takes 0.3 s. The pages of operators would take twice that, and wait for the first of them who asks.
    Whoever asks for a page later is told what is wrong with it: here a lack of descriptors, for one, is no fault.
    """
    with suppress(OSError, TemplateError):
        for name in environment.list_templates(filter_func=lambda name: name.startswith(_OF_MANY)):
            environment.get_template(name)
