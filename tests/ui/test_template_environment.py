"""Each template is compiled once, even if many threads request it at the same time."""

import threading
from collections import Counter
from typing import Any

import pytest
from flask import Flask
from jinja2 import DictLoader, Environment

from gonemaster_api.ui.shell.templates import Layout, TemplateEnvironment, compile_pages


class Counting(TemplateEnvironment):
    """Counts compilations."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.compiled: Counter[str] = Counter()

    def compile(self, source: Any, name: str | None = None, *args: Any, **options: Any) -> Any:
        self.compiled[name or ""] += 1
        return super().compile(source, name, *args, **options)


def test_many_threads_compile_a_template_once() -> None:
    texts = {"page.html": '{% extends "shell/base.html" %}{% include "part.html" %}', "part.html": "part"}
    environment = Counting(Flask(__name__))
    environment.loader = DictLoader(texts | {"shell/base.html": "<p>{{ 1 + 1 }}</p>" * 500})
    start = threading.Barrier(12)
    rendered = []

    def render() -> None:
        start.wait()
        rendered.append(environment.get_template("page.html").render())

    threads = [threading.Thread(target=render) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rendered == ["part" + "<p>2</p>" * 500] * 12
    assert max(environment.compiled.values()) == 1


def test_public_pages_are_compiled_at_start() -> None:
    environment = Counting(Flask(__name__))
    names = {"shell/base.html", "components/parts.html", "public/form/page.html", "analysis/report.html"}
    environment.loader = DictLoader(dict.fromkeys(names | {"admin/queue/page.html"}, ""))
    compile_pages(environment)
    assert set(environment.compiled) == names


@pytest.mark.parametrize(
    ("template", "page"),
    [
        ("<p>\n  {{ 1 }}\n  <b>\n    two\n    words\n  </b>\n</p>\n", "<p>1<b>two words</b></p>"),
        ('<a class="x"\n   href="/">\n  y</a> <b>z</b>', '<a class="x" href="/">y</a> <b>z</b>'),
        ("<a\n  {% if true %}download{% endif %}>\n{% if true %}\n  {{ 1 }}\n{% endif %}</a>", "<a download>1</a>"),
        ('<i></i>{{ " " }}\n<b></b>', "<i></i> <b></b>"),
        ("{{ 1 }} < 2\n<br>", "1 < 2<br>"),
        ("<textarea>\n  {{ '\\n a\\n' }}\n</textarea>", "<textarea>\n a\n</textarea>"),
    ],
)
def test_line_breaks_of_a_template_do_not_reach_the_page(template: str, page: str) -> None:
    assert Environment(extensions=[Layout], autoescape=True).from_string(template).render() == page
