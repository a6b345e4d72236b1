"""Visitors read pages in their language; operators read admin pages in English if their language lacks those texts."""

import re

import pytest
from flask.testing import FlaskClient

from gonemaster_api.ui.shell.texts.languages import OPERATORS, VISITORS, languages, locale

HTML = {"Accept": "text/html"}

ONLY_VISITORS = sorted(set(languages(VISITORS)) - set(languages(OPERATORS)))


def _language(client: FlaskClient, path: str, accepted: str) -> str:
    page = client.get(path, headers={**HTML, "Accept-Language": accepted}).text
    found = re.search(r'<html lang="([^"]*)"', page)
    assert found
    return found[1]


@pytest.mark.parametrize("code", ONLY_VISITORS)
def test_admin_pages_are_english_without_their_texts(client: FlaskClient, code: str) -> None:
    assert _language(client, "/public", code) == code
    assert _language(client, "/recent", code) == "en"


def test_norwegian_browsers_get_bokmal(client: FlaskClient) -> None:
    assert _language(client, "/public", "no, en;q=0.5") == "nb"


def test_a_choice_is_kept(client: FlaskClient) -> None:
    client.post("/preferences", data={"lang": "de"})
    assert _language(client, "/public", "sv") == "de"
    assert _language(client, "/recent", "sv") == "sv"  # the choice is not offered there


def test_each_language_is_offered_by_its_own_name(client: FlaskClient) -> None:
    page = client.get("/public", headers=HTML).text
    offered = dict(re.findall(r'<option value="(\w+)" lang="\w+"[^>]*>([^<]+)</option>', page))
    assert set(languages()) <= set(offered)
    assert offered["fr"].casefold() == (locale("fr").get_display_name("fr") or "").casefold()


def test_an_error_without_a_translation_is_marked_as_english(client: FlaskClient) -> None:
    page = client.get("/jobs/job_none", headers={**HTML, "Accept-Language": "sv"}).text
    assert '<span lang="sv">' in page
