"""Refusals are said in the language of the page, with the API's code."""

import re
import sys
from collections.abc import Iterator
from types import FrameType

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gonemaster_api.ui.shell.texts.languages import gettext
from gonemaster_api.ui.shell.texts.refusal_texts import TEXTS
from gonemaster_api.ui.shell.texts.refusals import in_language

HTML = {"Accept": "text/html"}


@pytest.fixture
def swedish(client: FlaskClient) -> Iterator[Flask]:
    with client.application.test_request_context("/?lang=sv"):
        yield client.application


def filled(text: str) -> str:
    return re.sub(r"\{(\d)\}", r"<value \1>", text)


@pytest.mark.usefixtures("swedish")
def test_each_text_is_found_again_with_its_values() -> None:
    for text in TEXTS:
        assert in_language(filled(text)) == filled(gettext(text)), text
        assert gettext(text) != text, text


@pytest.mark.usefixtures("swedish")
@pytest.mark.parametrize(
    ("english", "said"),
    [
        ("status: Must be one of: queued, running.", "status: Måste vara något av: queued, running."),
        (
            "resolver.source4: must be a mapping, not a list (and 2 more)",
            "resolver.source4: måste vara ett objekt (mapping), inte en lista (och 2 till)",
        ),
        ("a job of x.se waits or runs; cancel it first", "ett jobb för x.se väntar eller körs; avbryt det först"),
        ("3 of 9 names are invalid; nothing was queued", "3 av 9 namn är ogiltiga; inget har ställts i kö"),
        ("what nobody has foreseen", "what nobody has foreseen"),
        ("no such job: 'no such job: 1'", "jobbet finns inte: 'no such job: 1'"),
        ("", ""),
    ],
)
def test_texts_are_said_in_the_language_of_the_request(english: str, said: str) -> None:
    assert in_language(english) == said


@pytest.mark.usefixtures("swedish")
@pytest.mark.parametrize("text", ["; " * 990, "no such job: " * 150, "x: " * 660, "for  s" * 330, "a; b: " * 330])
def test_a_text_made_for_it_costs_little(text: str) -> None:
    in_language("first, the table is made")
    steps = 0

    def count(_frame: FrameType, event: str, _arg: object) -> None:
        nonlocal steps
        steps += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        in_language(text)
    finally:
        sys.setprofile(None)
    assert steps < 20_000


@pytest.mark.usefixtures("swedish")
def test_a_text_that_is_too_long_is_left_alone() -> None:
    assert in_language("no such job: " + "a" * 2_000) == "no such job: " + "a" * 2_000


def test_an_english_page_says_what_the_api_says(client: FlaskClient) -> None:
    with client.application.test_request_context("/?lang=en"):
        assert in_language("no such job: 'x'") == "no such job: 'x'"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/jobs/job_none", "jobbet finns inte"),
        ("/recent?status=odd", "Måste vara något av"),
        ("/public/result/none", "finns inte"),
        ("/no-such-page", "det finns inget på denna adress"),
    ],
)
def test_swedish_pages_refuse_in_swedish(path: str, said: str, client: FlaskClient) -> None:
    page = client.get(path, headers={**HTML, "Accept-Language": "sv"}).get_data(as_text=True)
    assert said in page
