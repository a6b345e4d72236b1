"""A browser is not an operator: requests caused by pages of other sites change nothing and read nothing."""

import ipaddress
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from hypothesis import example, given, settings
from hypothesis import strategies as st
from werkzeug.test import create_environ
from werkzeug.wrappers import Response

from gonemaster_api.web.hosts import KnownHosts, is_own_host, known_hosts
from gonemaster_api.web.origins import origin_of
from gonemaster_db.core.settings import StoreSettings
from tests.api.conftest import MakeApp
from tests.api.web.test_errors import error_of
from tests.hostile import LONG
from tests.support.examples import examples
from tests.support.stores import MakeSettings

PROXY = {"REMOTE_ADDR": "10.0.0.1"}
PAUSE = "/api/v1/queue/pause"  # accepts an empty body, and therefore a form as well
FOREIGN_HOSTS = (
    "evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "evil-localhost",
    "a.localhost", "localhost@evil.example", "evil.example/localhost", "localhost,evil.example",
    "localhost evil.example", "", ":8080", "[::1", "::1", "[::2]", "0x7f.0.0.1", "127.1", "2130706433", "0.0.0.0",
    "[::]", "169.254.169.254", "192.0.2.1", "localhost:80a", "localhost:-1", "localhost#", "localhost\\evil",
    "%6cocalhost", "xn--", "lo\tcalhost", "x" * 250,
)  # fmt: skip
OUR_HOSTS = (
    "localhost", "LOCALHOST", "localhost.", "localhost:1", "localhost:", "127.0.0.1", "127.8.9.10:8080", "[::1]",
    "[::1]:8080", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]",
)  # fmt: skip


@pytest.fixture
def store_settings(make_store_settings: MakeSettings) -> StoreSettings:
    """One database kind is enough: the queries do not differ here."""
    return make_store_settings("sqlite")


def is_paused(client: FlaskClient) -> Any:
    return client.get("/api/v1/queue").get_json()["paused"]


def test_host_of_another_site_is_refused_on_every_path(client: FlaskClient) -> None:
    rules = [rule.rule for rule in client.application.url_map.iter_rules()]
    for path in {*(rule.split("<")[0] for rule in rules), "/nowhere", "/static/app.css"}:
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
            response = client.open(path, method=method, headers={"Host": "evil.example:8080"})
            assert (response.status_code, error_of(response)["code"]) == (421, "unknown_host"), (method, path)


def test_each_form_of_a_foreign_host_is_refused(client: FlaskClient) -> None:
    for host in FOREIGN_HOSTS:
        # Do not use the client: it decodes the host and fails on some names in Python 3.11.
        response = Response.from_app(client.application, create_environ("/api/v1/queue") | {"HTTP_HOST": host})
        assert (response.status_code, error_of(response)["code"]) == (421, "unknown_host"), host
        assert len(response.data) < 500


def test_each_form_of_a_loopback_host_is_ours(client: FlaskClient) -> None:
    for host in OUR_HOSTS:
        assert client.get("/api/v1/healthz", environ_overrides={"HTTP_HOST": host}).status_code == 200, host


def test_rebound_name_reads_and_changes_nothing(client: FlaskClient) -> None:
    rebound = {"Host": "evil.example", "Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}
    assert client.post(PAUSE, headers=rebound).status_code == 421
    assert client.get("/api/v1/jobs", headers=rebound).status_code == 421
    assert not is_paused(client)


def test_configured_hosts_are_ours(make_app: MakeApp) -> None:
    client = make_app(
        listen_addr="dnsbox:8080", public_url="https://Dns.Example/x", allowed_hosts="b\u00fccher.example,2001:db8::1"
    ).test_client()
    for host in ("dnsbox", "DNSBOX:80", "dns.example", "xn--bcher-kva.example:8443", "[2001:db8:0::1]", "localhost"):
        assert client.get("/api/v1/healthz", headers={"Host": host}).status_code == 200, host
    for host in ("dns", "a.dns.example", "example", "dns.example.evil.example", "[2001:db8::2]"):
        assert client.get("/api/v1/healthz", headers={"Host": host}).status_code == 421, host


def test_public_url_that_is_saved_while_the_server_runs_counts_at_once(client: FlaskClient) -> None:
    of_proxy = {"Host": "dns.example", "Origin": "https://dns.example"}
    assert client.post(PAUSE, headers=of_proxy).status_code == 421
    assert client.put("/api/v1/settings", json={"public_url": "https://dns.example"}).status_code == 200
    assert client.post(PAUSE, headers=of_proxy).status_code == 200
    assert client.post(PAUSE, headers=of_proxy | {"Origin": "https://evil.example"}).status_code == 403


def test_server_on_all_addresses_is_reached_by_those_of_its_machine_only() -> None:
    everywhere = known_hosts("0.0.0.0:8080", "", ())
    assert everywhere.own_addresses
    assert everywhere.has("127.0.0.1")
    for host in ("0.0.0.0", "[::]", "192.0.2.1", "[2001:db8::1]", "evil.example"):
        assert not everywhere.has(host), host
    for address in own_addresses():
        assert everywhere.has(f"{address}:8080"), address
        is_loopback = ipaddress.ip_address(address).is_loopback
        assert known_hosts("127.0.0.1:8080", "", ()).has(address) is is_loopback, address
    assert not known_hosts("192.0.2.7:8080", "", ()).own_addresses
    assert known_hosts("192.0.2.7:8080", "", ()).has("192.0.2.7")


def own_addresses() -> list[str]:
    """Return the IPv4 addresses of this machine's name, or the loopback address."""
    try:
        return socket.gethostbyname_ex(socket.gethostname())[2]
    except OSError:
        return ["127.0.0.1"]


def test_host_that_a_proxy_forwards_is_checked_as_well(make_app: MakeApp) -> None:
    client = make_app(trusted_proxy_cidrs="10.0.0.0/8", allowed_hosts="dns.example").test_client()
    for host, status in (("dns.example", 200), ("evil.example", 421), ("localhost, evil.example", 421)):
        forwarded = {"X-Forwarded-Host": host}
        response = client.get("/api/v1/healthz", headers=forwarded, environ_base=PROXY)
        assert response.status_code == status, host
        response = client.get("/api/v1/healthz", headers=forwarded)  # not from a trusted peer: the header is removed
        assert response.status_code == 200, host


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://localhost:3000"},
        {"Origin": "https://localhost"},
        {"Origin": "http://localhost, http://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "Cross-Site "},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:3000"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
        {"Sec-Fetch-Site": "something-new"},
        {"Sec-Fetch-Site": ""},
    ],
    ids=str,
)
def test_page_of_another_site_changes_nothing(client: FlaskClient, headers: dict[str, str]) -> None:
    forms = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json")
    for content_type in forms:
        for body in ("", '{"tier": "batch"}', "tier=batch"):
            response = client.post(PAUSE, data=body, content_type=content_type, headers=headers)
            assert (response.status_code, error_of(response)["code"]) == (403, "csrf_origin_mismatch")
    for method, path in (("PUT", "settings"), ("PATCH", "batches/b"), ("DELETE", "batches/b"), ("POST", "nowhere")):
        assert client.open(f"/api/v1/{path}", method=method, headers=headers).status_code == 403, path
    assert not is_paused(client)


def test_form_without_any_of_the_headers_cannot_carry_a_body(client: FlaskClient) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        response = client.post("/api/v1/jobs", data='{"domain": "a.example"}', content_type=content_type)
        assert (response.status_code, error_of(response)["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://localhost"},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ],
    ids=str,
)
def test_programs_and_own_pages_may_change_something(client: FlaskClient, headers: dict[str, str]) -> None:
    assert client.post(PAUSE, headers=headers).status_code == 200


def test_reading_is_no_change(client: FlaskClient) -> None:
    foreign = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
    for method in ("GET", "HEAD", "OPTIONS"):
        response = client.open("/api/v1/queue", method=method, headers=foreign)
        assert response.status_code == 200
        assert "Access-Control-Allow-Origin" not in response.headers


def test_no_origin_is_allowed_to_read_by_cors(client: FlaskClient) -> None:
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Method": "PUT"}
    response = client.options("/api/v1/settings", headers=asked)
    assert not [name for name, _ in response.headers if name.startswith("Access-Control")]


HOSTS = known_hosts("dnsbox:8080", "https://dns.example", ("192.0.2.1", "2001:db8::1"))
PARTS = st.sampled_from(
    ["localhost", "dnsbox", "dns.example", "127.0.0.1", "[::1]", "192.0.2.1", "evil", ".", ":", "@", "/", "\\", "%",
     "80", "#", "?", "[", "]", " ", "\u3002", "\u2024", "\u017f"]  # other full stops; a letter whose capital is S
)  # fmt: skip


@settings(derandomize=False, print_blob=True, max_examples=5_000 if LONG else examples(50, 500))
@given(st.lists(st.one_of(PARTS, st.text(max_size=4)), max_size=5).map("".join))
@example("[127.0.0.1]")
@example("dn\u017f.example")
@example("localhost\u3002")
@example("127.0.0.1\u3002")
@example("[::1%25lo]")
def test_accepted_host_is_ours_to_a_browser_as_well(host: str) -> None:
    if HOSTS.has(host):
        assert is_ours_for_a_browser(HOSTS, host), ascii(host)


def is_ours_for_a_browser(hosts: KnownHosts, authority: str) -> bool:
    """Return whether another URL parser finds the same host, without any mapping of characters."""
    found = (urlsplit(f"http://{authority}/").hostname or "").removesuffix(".")
    if found == "localhost" or found in hosts.names:
        return True
    address = ipaddress.ip_address(found)
    mapped = getattr(address, "ipv4_mapped", None) or address
    return mapped.is_loopback or str(mapped) in hosts.names or is_own_host(str(mapped))


@settings(derandomize=False, print_blob=True, max_examples=5_000 if LONG else examples(50, 500))
@given(st.lists(st.one_of(PARTS, st.sampled_from(["http", "https", "null", "://"]), st.text(max_size=4))).map("".join))
@example("http://localhost@evil.example")
@example("http://localhost:99999")
@example("http://[v1.x]")
@example("http://localhost:80\u0660")
@example("HTTP://LOCALHOST")
def test_text_with_our_origin_is_written_as_our_origin(text: str) -> None:
    if origin_of(text) == ("http", "localhost", 80):
        begin = text.strip().lower().removeprefix("http://localhost").removeprefix(":").removeprefix("80")
        assert not begin or begin[0] in "/?#", ascii(text)
