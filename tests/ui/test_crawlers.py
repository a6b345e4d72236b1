"""robots.txt, the site map, and redirects from old URLs."""

import xml.etree.ElementTree as ET

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import MakeApp
from tests.support.tokens import CONFIGURED

SPACE = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def addresses(client: FlaskClient) -> list[str]:
    response = client.get("/sitemap.xml")
    assert (response.status_code, response.mimetype) == (200, "application/xml")
    return [loc.text or "" for loc in ET.fromstring(response.data).iter(f"{SPACE}loc")]


def test_robots_may_read_the_public_pages(make_app: MakeApp) -> None:
    client = make_app(public_ui_path="test-it/", public_url="https://dns.example/").test_client()
    response = client.get("/robots.txt")
    lines = response.text.splitlines()
    assert (response.mimetype, lines[0]) == ("text/plain", "User-agent: *")
    assert {"Allow: /test-it/", "Allow: /analysis/", "Disallow: /"} <= set(lines)
    assert "Disallow: /analysis/*sort=" in lines
    assert lines[-1] == "Sitemap: https://dns.example/sitemap.xml"
    assert addresses(client) == ["https://dns.example/test-it/", "https://dns.example/test-it/about"]


def test_pages_that_need_a_token_are_not_for_robots(make_app: MakeApp) -> None:
    client = make_app(admin_tokens=CONFIGURED, auth_protect_public=True).test_client()
    assert client.get("/robots.txt").text == "User-agent: *\nDisallow: /\n"
    assert client.get("/sitemap.xml").status_code == 401


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/analysis", "/analysis/"),
        ("/analysis?cohort=r%C3%A4k&snapshot=x", "/analysis/?cohort=r%C3%A4k&snapshot=x"),
        (
            "/analysis/findings/IN_BAILIWICK_ADDR_MISMATCH?cohort=se",
            "/analysis/findings/IN_DOMAIN_ADDR_MISMATCH?cohort=se",
        ),
    ],
)
def test_old_addresses_lead_on(client: FlaskClient, path: str, target: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.headers["Location"]) == (301, target)
