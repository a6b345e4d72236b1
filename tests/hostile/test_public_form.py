"""The public form with names of every odd kind, repeated fields and large bodies: a test, or a clear refusal."""

from __future__ import annotations

from urllib.parse import quote, quote_plus

import pytest
from flask.testing import FlaskClient

from gonemaster_api.state import NAME
from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import StoreSettings
from tests.support.stores import MakeSettings
from tests.ui.public_runs import public_run

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
NAMES = {
    "right to left": "\u202egro.elpmaxe",
    "isolates": "a\u2066b\u2069.example",
    "zero width": "exa\u200bmple.com",
    "joiner": "a\u200db.example",
    "Hebrew": "דוגמה.קום",
    "mixed directions": "א1.example",
    "Cyrillic lookalike": "pаypal.com",
    "whole-script confusable": "аррӏе.com",
    "full width": "ｅｘａｍｐｌｅ。ｃｏｍ",
    "sharp s": "straße.example",
    "A-label that is none": "xn--a.example",
    "upper A-label": "XN--NXASMQ6B.example",
    "emoji": "💩.example",
    "combining marks": "a" + "\u0301" * 900 + ".example",
    "10,000 labels": "a." * 10_000,
    "127 labels": "a." * 126 + "a",
    "label of 64": "a" * 64 + ".example",
    "nul": "a\0b.example",
    "line ends": "a\r\nb.example",
    "escape": "\x1b[2Ja.example",
    "percent": "%61%00%2e%2e%2f.example",
    "markup": "<script>alert(1)</script>.example",
    "backslashes": "\\255\\000\\.a.example",
    "empty labels": "a..b.example",
    "dots": "." * 5000,
    "URL": "https://user:pass@a.example:8443/?q#f",
    "address": "[::ffff:127.0.0.1%lo]",
    "wildcard": "*.example",
    "root": ".",
    "blank": "   ",
    "megabyte": "a" * 1_000_000,
}
LARGEST_PAGE = 128 * 1024


@pytest.fixture
def store_settings(make_store_settings: MakeSettings) -> StoreSettings:
    """One database kind is enough: the form is the same."""
    return make_store_settings("sqlite")


def send(client: FlaskClient, body: str) -> tuple[int, str]:
    response = client.post("/public/", data=body, headers=FORM)
    return response.status_code, response.get_data(as_text=True)


def check(status: int, page: str) -> None:
    assert status in {200, 303, 400, 413, 414}, status
    assert len(page) < LARGEST_PAGE
    assert "<script>alert" not in page
    assert not {"\0", "\x1b"} & set(page)


@pytest.mark.parametrize("kind", NAMES)
def test_any_name_is_queued_or_refused(client: FlaskClient, kind: str) -> None:
    name = NAMES[kind]
    check(*send(client, f"domain={quote_plus(name)}&options=1&ipv4=on"))
    check(*send(client, f"domain=a.example&options=1&ipv4=on&ns={quote_plus(name)}&ip={quote_plus(name)}"))
    if len(name) <= 2000:
        page = client.get(f"/public/?domain={quote(name)}&ns={quote(name)}", headers=FORM)
        check(page.status_code, page.get_data(as_text=True))
        badge = client.get(f"/badge/{quote(name, safe='')}.svg")
        assert badge.status_code in {308, 400, 404}


@pytest.mark.parametrize("field", ["domain", "ns", "ip", "keytag", "digtype", "digest", "profile", "other"])
@pytest.mark.parametrize("number", [100, 1_000, 10_000])
def test_repeated_fields_are_bounded(client: FlaskClient, field: str, number: int) -> None:
    check(*send(client, "domain=a.example&options=1" + f"&{field}=1" * number))


@pytest.mark.parametrize("body", ["%" * 50_000, "&" * 500_000, "=" * 50_000, "domain=%ff%fe%zz", "domain", "\0" * 1000])
def test_malformed_bodies_are_refused(client: FlaskClient, body: str) -> None:
    check(*send(client, body))


def test_a_large_body_is_refused(client: FlaskClient) -> None:
    status, page = send(client, "domain=" + "a" * 20_000_000)
    assert status == 413
    assert len(page) < LARGEST_PAGE


def test_parameters_cannot_fill_the_cache_of_a_result(client: FlaskClient, store: Store) -> None:
    run = public_run(store)
    path = f"/public/result/{run.public_id}"
    for name in ("level", "lang", "module", "q", "x"):
        for number in range(40):
            page = client.get(f"{path}?{name}={number}&{name}={'y' * 1000}", headers={"Accept": "text/html"})
            assert page.status_code < 500
    one = client.application.extensions[NAME].responses.octets
    assert one < 4 * LARGEST_PAGE, "pages of one result"
