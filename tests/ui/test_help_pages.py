"""The pages about findings in the service, and the links to them."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from gonemaster_api.ui.shell.urls import help_of
from gonemaster_engine.findings.causes.registry import RULES
from gonemaster_engine.help.pages import tags
from gonemaster_engine.testcases.catalogue import cases
from tests.api.conftest import MakeApp
from tests.support.tokens import CONFIGURED

HTML = {"Accept": "text/html"}


def text_of(client: FlaskClient, path: str, status: int = 200, *, language: str = "en") -> str:
    response = client.get(path, headers=HTML | {"Accept-Language": language})
    assert response.status_code == status, path
    return response.get_data(as_text=True)


def test_each_page_exists_and_its_links_lead_somewhere(client: FlaskClient) -> None:
    paths = {"/help/", *(f"/help/test-cases/{case}" for case in cases()), *(f"/help/causes/{one.id}" for one in RULES)}
    seen: set[str] = set()
    for path in sorted(paths):
        seen |= set(re.findall(r'href="(/help/[^"]+)"', text_of(client, path)))
    known = paths | {f"/help/tags/{tag}" for tag in tags()}
    assert seen <= known
    assert len(seen & {f"/help/tags/{tag}" for tag in tags()}) > 600


def test_a_page_of_a_tag_has_all_parts(client: FlaskClient) -> None:
    text = text_of(client, "/help/tags/DS02_NO_DNSKEY_FOR_DS")
    for part in ("There is no DNSKEY record", "dig +short example.com DS", "keymgr example.com ds", "wrongds.xa"):
        assert part in text, part
    assert 'href="/help/causes/ds_without_key"' in text


def test_a_text_without_translation_carries_its_language(client: FlaskClient) -> None:
    text = text_of(client, "/help/tags/DS02_NO_DNSKEY_FOR_DS", language="sv")
    assert "Varför det är viktigt" in text
    assert '<p lang="en">' in text
    assert '<p lang="en">' not in text_of(client, "/help/tags/DS02_NO_DNSKEY_FOR_DS")


@pytest.mark.parametrize("path", ["tags/NO_SUCH_TAG", "causes/nothing", "test-cases/zone99"])
def test_an_unknown_page_is_not_found(client: FlaskClient, path: str) -> None:
    assert "/" in text_of(client, f"/help/{path}", 404)


def test_anyone_reads_the_help_of_a_protected_service(make_app: MakeApp) -> None:
    app = make_app(admin_tokens=CONFIGURED, auth_protect_public=True)
    assert app.test_client().get("/help/tags/B02_NO_DELEGATION", headers=HTML).status_code == 200


def test_links_lead_to_the_documentation_site_if_there_is_one(make_app: MakeApp) -> None:
    with make_app().test_request_context():
        assert help_of("tag", "B02_NO_DELEGATION") == "/help/tags/B02_NO_DELEGATION"
    with make_app(documentation_url="https://docs.example/latest/").test_request_context():
        assert help_of("cause", "no_ipv6") == "https://docs.example/latest/causes/no_ipv6"
        assert help_of("case", "zone01") == "https://docs.example/latest/test-cases/zone01"
