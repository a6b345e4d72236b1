"""The environment of templates: each is compiled once, however many requests come for it at the same time."""

import threading
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any

from flask.templating import Environment
from jinja2 import Template, TemplateError

_OF_MANY = ("macros/", "shell/", "public/", "analysis/")


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
