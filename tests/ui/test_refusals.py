"""Refusals are shown in the language of the page, with the code of the API."""

import copy
from collections.abc import Iterator

import marshmallow as ma
import pytest
from flask import Flask
from flask.testing import FlaskClient

from gonemaster_api.errors import NotFound
from gonemaster_api.rest.document_errors import refusal
from gonemaster_api.rest.parsing import RequestSchema
from gonemaster_api.ui.shell.forms.forms import Form
from gonemaster_api.ui.shell.texts.refusals import in_language
from gonemaster_db.core.errors import DomainInUse
from gonemaster_engine.errors import InvalidDomain, ProfileError
from gonemaster_engine.profile.profile import checked_profile
from gonemaster_engine.texts import Text, joined, text_of

HTML = {"Accept": "text/html"}


@pytest.fixture
def swedish(client: FlaskClient) -> Iterator[Flask]:
    with client.application.test_request_context("/?lang=sv"):
        yield client.application


def wrong_profile() -> str:
    with pytest.raises(ProfileError) as found:
        checked_profile({"resolver": {"source4": []}, "net": {"ipv4": 1}})
    return refusal("invalid_profile", found.value).message


def wrong_domain() -> str:
    with pytest.raises(InvalidDomain) as found:
        raise InvalidDomain("a..b", "it has an empty label (two dots in a row, or a dot at the start)")
    return text_of(found.value)


@pytest.mark.usefixtures("swedish")
@pytest.mark.parametrize(
    ("english", "message"),
    [
        (Text("{domain} has a waiting or running job", domain="x.se"), "x.se har ett jobb som väntar eller körs"),
        (Text("{wrong} of {given} names are invalid; nothing was queued", wrong=3, given=9), "3 av 9 namn är ogiltiga"),
        (joined("; ", (Text("it is reserved"), "other words")), "det är reserverat; other words"),
        (text_of(DomainInUse("x.se")), "x.se har ett jobb som väntar eller körs"),
        (NotFound("job", "no such job: {key}").message, "jobbet finns inte: 'no such job: {key}'"),
        (Text("what has {no} translation", no=1), "what has 1 translation"),
        ("no such job: 'x'", "no such job: 'x'"),
        ("", ""),
    ],
)
def test_texts_are_said_in_the_language_of_the_request(english: str, message: str) -> None:
    assert in_language(english).startswith(message)


@pytest.mark.usefixtures("swedish")
def test_texts_within_texts_are_said_in_it_too() -> None:
    assert wrong_profile() == "resolver.source4: must be an IPv4 address of this host or empty, not [] (and 1 more)"
    assert in_language(wrong_profile()).endswith("(och 1 till)")
    assert "måste vara" in in_language(wrong_profile())
    assert in_language(wrong_domain()).startswith("'a..b' är inte ett giltigt domännamn: ")


class Wrong(RequestSchema):
    number = ma.fields.Integer(validate=ma.validate.Range(1, 5))
    kind = ma.fields.String(validate=[ma.validate.OneOf(("a", "{b}")), ma.validate.Length(max=3)])
    text = ma.fields.String(required=True)
    items = ma.fields.List(ma.fields.String())


@pytest.mark.usefixtures("swedish")
def test_what_the_library_of_the_schemas_says_is_said_in_it() -> None:
    form = Form()
    form.check(Wrong, {"number": 9, "kind": "{x}y", "items": "a"})
    assert form.errors == {
        "number": "måste vara från 1 till 5",
        "kind": "måste vara något av: a, {b}",
        "text": "krävs",
        "items": "måste vara en lista",
    }


def test_an_english_page_says_what_the_api_says(client: FlaskClient) -> None:
    with client.application.test_request_context("/?lang=en"):
        assert in_language(Text("it has {n} {{braces}}", n="{m}")) == "it has {m} {braces}"


def test_a_copy_of_a_text_can_be_translated() -> None:
    copied = copy.deepcopy(Text("no {a}", a="{b}"))
    assert (copied, copied.template, dict(copied.values)) == ("no {b}", "no {a}", {"a": "{b}"})


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/jobs/job_none", "Jobbet finns inte"),
        ("/recent?status=odd", "måste vara något av"),
        ("/public/result/none", "inte längre tillgängligt"),
        ("/no-such-page", "Det finns inget på denna adress."),
    ],
)
def test_swedish_pages_refuse_in_swedish(path: str, message: str, client: FlaskClient) -> None:
    page = client.get(path, headers={**HTML, "Accept-Language": "sv"}).get_data(as_text=True)
    assert message in page
