"""Input that is not a domain name: URLs, email addresses, and reasons in the user's language."""

import html

import pytest
from flask.testing import FlaskClient

from gonemaster_api.ui.admin.batches.names import read_pasted
from gonemaster_engine.errors import InvalidDomain
from gonemaster_engine.names import REFUSALS, host_of_url, normalize_domain
from gonemaster_engine.texts import Text

SWEDISH = {"Accept": "text/html", "Accept-Language": "sv"}
TEXTS = {
    "empty": " ",
    "too_long": ".".join(["a" * 60] * 5),
    "empty_label": "a..b",
    "long_label": "a" * 64 + ".example",
    "space": "a b.example",
    "character": "a!b.example",
    "hyphens": "---.example",
    "a_label": "xn--a.example",
    "u_label": "\N{PILE OF POO}.example",
    "url": "https://www.example.com/",
    "ip_address": "2001:db8::1",
    "ip_prefix": "192.0.2.0/24",
}


@pytest.mark.parametrize(
    ("typed", "host"),
    [
        ("https://www.example.com/start?x=1#y", "www.example.com"),
        (" HTTP://Räk.Example:8080 ", "Räk.Example"),
        ("example.com/start", "example.com"),
        ("example.com:443", "example.com"),
        ("mailto:me@example.com", "example.com"),
        ("me@example.com", "example.com"),
        ("user:secret@example.com/", "example.com"),
        ("example.com", ""),
        ("com", ""),
        (".", ""),
        ("0/25.2.0.192.in-addr.arpa", ""),
        ("a.0/25.2.0.192.in-addr.arpa", ""),
        ("http://192.0.2.1/", ""),
        ("http://[2001:db8::1]/", ""),
        ("2001:db8::1", ""),
        ("http://localhost/", ""),
        ("http://a..b/", ""),
        ("\N{PILE OF POO}", ""),
        ("", ""),
    ],
)
def test_host_of_an_address(typed: str, host: str) -> None:
    assert host_of_url(typed) == host


@pytest.mark.parametrize("path", ["/public/", "/test"])
@pytest.mark.parametrize("typed", ["https://www.räk.example/start", "Me@www.räk.example"])
def test_a_typed_url_or_email_address_becomes_its_domain(client: FlaskClient, path: str, typed: str) -> None:
    response = client.post(path, data={"domain": typed}, headers=SWEDISH)
    assert response.status_code == 303
    if path == "/public/":
        shown = html.unescape(client.get(response.location, headers=SWEDISH).text)
        assert "Du angav en URL eller en e-postadress. Dess domän testas." in shown
    assert [job["domain"] for job in client.get("/api/v1/jobs").get_json()["items"]] == ["www.xn--rk-via.example"]


def test_urls_in_a_list_become_their_domains() -> None:
    pasted = read_pasted("https://a.example/x?y=1, b.example\n# comment\nme@c.example;0-127.2.0.192.in-addr.arpa")
    assert pasted.names == ["a.example", "b.example", "c.example", "0-127.2.0.192.in-addr.arpa"]
    assert [pasted.line_of(index) for index in range(4)] == [1, 1, 3, 3]


def test_an_ip_address_leads_to_its_reverse_zone(client: FlaskClient) -> None:
    response = client.post("/public/", data={"domain": "192.0.2.7"}, headers={"Accept": "text/html"})
    assert response.status_code == 400
    assert "192.0.2.7 is an IP address, not a domain." in response.text
    assert "/public/?domain=2.0.192.in-addr.arpa" in response.text
    response = client.post("/public/", data={"domain": "192.0.2.0/24"}, headers={"Accept": "text/html"})
    assert "192.0.2.0/24 is an IP prefix, not a domain." in response.text


@pytest.mark.parametrize("kind", REFUSALS)
def test_reason_is_in_the_language_of_the_page(client: FlaskClient, kind: str) -> None:
    typed = TEXTS[kind]
    with pytest.raises(InvalidDomain) as refused:
        normalize_domain(typed)
    reason = refused.value.reason
    assert isinstance(reason, Text)
    assert reason.template == REFUSALS[kind]
    for path in ("/public/", "/test"):
        english = html.unescape(client.post(path, data={"domain": typed}, headers={"Accept": "text/html"}).text)
        swedish = html.unescape(client.post(path, data={"domain": typed}, headers=SWEDISH).text)
        if kind not in {"empty", "url"}:  # Forms use a different text for these.
            assert reason in english
        assert reason not in swedish


def test_names_of_a_batch_that_are_not_valid(client: FlaskClient) -> None:
    data = {"source": "names", "names": "good.example\na..b", "do": "check"}
    text = html.unescape(client.post("/batches/new", data=data, headers=SWEDISH).text)
    assert "det har en tom etikett" in text
    assert "empty label" not in text
