"""Single webhooks to a real HTTP server: the request, forbidden targets, and receivers that misbehave."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from gonemaster_tasks.notifications import webhooks
from gonemaster_tasks.notifications.failures import DeliveryFailed, TargetRefused
from gonemaster_tasks.notifications.targets import read_target
from gonemaster_tasks.notifications.webhooks import Webhook, send_webhook, signature_of
from tests.support.certificates import make_certificates
from tests.support.receivers import Receiver, answer, closed_port, open_receiver, send_raw


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with open_receiver() as opened:
        yield opened


@pytest.fixture
def _short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "TIMEOUT_S", 0.7)


@cache
def default_tls() -> ssl.SSLContext:
    """Return the context of a worker, which takes long to make: it reads the certificates of the system."""
    return ssl.create_default_context()


def send(url: str, *, allow_private: bool = True, secret: str | None = None, tls: ssl.SSLContext | None = None) -> int:
    webhook = Webhook(url, b'{"a":1}', "domain.regressed", "dlv_1", secret)
    context = tls or default_tls()
    return asyncio.run(send_webhook(webhook, timestamp=1800000000, allow_private=allow_private, tls=context))


def failure(url: str, **how: Any) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as caught:
        send(url, **how)
    return caught.value


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Let every name resolve to these addresses; return the names that are looked up."""
    asked: list[str] = []

    def look_up(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        if not addresses:
            raise socket.gaierror("unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


def test_a_webhook_is_signed_json(receiver: Receiver) -> None:
    assert send(receiver.url(path="/hook?a=b"), secret="s3cret") == 204
    (got,) = receiver.received
    assert (got.path, got.body) == ("/hook?a=b", b'{"a":1}')
    assert got.headers["Content-Type"] == "application/json"
    assert got.headers["Host"] == f"127.0.0.1:{receiver.port}"
    assert got.headers["X-Gonemaster-Event"] == "domain.regressed"
    assert got.headers["X-Gonemaster-Delivery"] == "dlv_1"
    assert got.headers["X-Gonemaster-Timestamp"] == "1800000000"
    assert got.headers["X-Gonemaster-Signature"] == signature_of("s3cret", "1800000000", b'{"a":1}')
    # printf '1.{}' | openssl dgst -sha256 -hmac key
    assert signature_of("key", "1", b"{}") == (
        "sha256=1ba6b8171186efc613e8bcc0cbdab2748f24984d7c5a84faa2637afa0e40d224"
    )


def test_without_a_secret_there_is_no_signature(receiver: Receiver) -> None:
    send(receiver.url())
    assert "X-Gonemaster-Signature" not in receiver.received[0].headers


@pytest.mark.parametrize(("status", "final"), [(400, False), (404, False), (410, True), (500, False), (503, False)])
def test_all_but_2xx_is_a_failure(receiver: Receiver, status: int, *, final: bool) -> None:
    receiver.behaviour = answer(status)
    failed = failure(receiver.url())
    assert (failed.status, failed.final, str(failed)) == (status, final, f"the receiver answered with status {status}")


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.behaviour = answer(307, Location=receiver.url(path="/elsewhere"))
    failed = failure(receiver.url())
    assert (failed.status, failed.final) == (307, False)
    assert "not followed" in str(failed)
    assert [got.path for got in receiver.received] == ["/hook"]


def test_interim_responses_are_passed_over(receiver: Receiver) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"
    receiver.behaviour = send_raw(b"HTTP/1.1 100 Continue\r\n\r\n", early, b"HTTP/1.1 200 OK\r\n\r\nbody")
    assert send(receiver.url()) == 200
    receiver.behaviour = send_raw(early * 9)
    assert "interim" in str(failure(receiver.url()))


@pytest.mark.parametrize(
    ("octets", "error"),
    [
        (b"", "closed before a response"),
        (b"HTTP/1.1 200 OK\r\nX: y\r\n", "closed before a response"),
        (b"HTTP/2 200\r\n\r\n", "not HTTP/1.1"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "not HTTP/1.1"),
        (b"HTTP/1.1 999 What\r\n\r\n", "not HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", "longer than 16384 bytes"),
    ],
)
def test_what_is_no_response_is_a_failure(receiver: Receiver, octets: bytes, error: str) -> None:
    receiver.behaviour = send_raw(octets)
    failed = failure(receiver.url())
    assert error in str(failed)
    assert failed.status is None


@pytest.mark.usefixtures("_short_patience")
@pytest.mark.parametrize("how", ["hang", "drip"])
def test_a_receiver_that_keeps_us_is_given_up(receiver: Receiver, how: str) -> None:
    receiver.behaviour = getattr(receiver, how)
    assert "no response within 0.7 s" in str(failure(receiver.url()))
    receiver.behaviour = answer(200)
    assert send(receiver.url()) == 200


def test_an_endless_body_after_the_head_is_not_waited_for(receiver: Receiver) -> None:
    def pour(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not receiver.released.is_set():
            handler.wfile.write(b"a" * 4096)

    receiver.behaviour = pour
    assert send(receiver.url()) == 200


def test_a_closed_port_is_a_failure() -> None:
    assert str(failure(f"http://127.0.0.1:{closed_port()}/")) == "no connection"


def test_the_next_address_is_tried(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "127.0.0.2", "127.0.0.1")  # the first address has no listener
    assert send(receiver.url("hook.example")) == 204
    assert receiver.received[0].headers["Host"] == f"hook.example:{receiver.port}"


REFUSED = "hook.example has no address, or an address that is not allowed; see allow_private_webhooks"


def test_an_unknown_name_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch)
    assert str(failure("http://hook.example/")) == REFUSED


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.1.1", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1", "fd00::1", "ff02::1", "::ffff:127.0.0.1", "::127.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::1", "2001:db8::1", "192.0.2.1", "fe80::1%lo",
    ],
)  # fmt: skip
def test_nothing_is_sent_to_addresses_that_are_not_global(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver, address: str
) -> None:
    resolve_to(monkeypatch, "9.9.9.9", address)  # one is enough
    connected = []
    monkeypatch.setattr(asyncio, "open_connection", lambda *values, **_: connected.append(values))
    failed = failure(receiver.url("hook.example"), allow_private=False)
    assert str(failed) == REFUSED, "the same as for a name that does not exist"
    assert connected == []
    assert receiver.received == []


@pytest.mark.parametrize("address", ["224.0.0.1", "0.0.0.0", "255.255.255.255", "::", "ff02::1"])
def test_what_is_no_single_host_gets_nothing_in_any_case(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    resolve_to(monkeypatch, address)
    assert str(failure("http://hook.example/", allow_private=True)) == REFUSED


def test_a_name_is_looked_up_once_and_its_address_connected_to(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = resolve_to(monkeypatch, "127.0.0.1")
    connected = []
    connect = asyncio.open_connection

    def note(host: str, *values: Any, **how: Any) -> Any:
        connected.append(host)
        return connect(host, *values, **how)

    monkeypatch.setattr(asyncio, "open_connection", note)
    send(receiver.url("rebinding.example"))
    assert (asked, connected) == (["rebinding.example"], ["127.0.0.1"])


def test_proxies_of_the_environment_are_not_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    assert send(receiver.url()) == 204


def test_the_certificate_is_that_of_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificates = make_certificates(tmp_path, "hook.example")
    resolve_to(monkeypatch, "127.0.0.1")
    with open_receiver(tls=certificates.server) as receiver:
        assert "certificate is not valid" in str(failure(receiver.url("hook.example")))
        trusting = ssl.create_default_context(cafile=str(certificates.authority))
        assert send(receiver.url("hook.example"), tls=trusting) == 204
        assert "certificate is not valid" in str(failure(receiver.url("other.example"), tls=trusting))
        assert "certificate is not valid" in str(failure(receiver.url("127.0.0.1"), tls=trusting))
        assert len(receiver.received) == 1


def test_a_receiver_without_tls_is_a_failure(receiver: Receiver) -> None:
    assert "connection failed" in str(failure(receiver.url().replace("http:", "https:")))


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "authority"),
    [
        ("http://hook.example", "hook.example", 80, "/", "hook.example"),
        ("https://Hook.Example.:443/a?b=c", "hook.example", 443, "/a?b=c", "hook.example"),
        ("https://hook.example:8443/", "hook.example", 8443, "/", "hook.example:8443"),
        ("http://9.9.9.9/", "9.9.9.9", 80, "/", "9.9.9.9"),
        ("http://[2620:fe::fe]:8080/", "2620:fe::fe", 8080, "/", "[2620:fe::fe]:8080"),
        ("HTTPS://hook.example/", "hook.example", 443, "/", "hook.example"),
    ],
)
def test_urls_are_read(url: str, host: str, port: int, path: str, authority: str) -> None:
    target = read_target(url, allow_private=False)
    assert (target.host, target.port, target.path, target.authority) == (host, port, path, authority)


@pytest.mark.parametrize(
    "url",
    [
        "", "hook.example", "/hook", "ftp://hook.example/", "file:///etc/passwd", "http://", "http:///a",
        "http://user@hook.example/", "http://user:pass@hook.example/", "http://@hook.example/",
        "http://hook.example/#a", "http://hook.example/#", "http://hook.example:22/", "http://hook.example:25/",
        "http://hook.example:0/", "http://hook.example:65536/", "http://hook.example:x/", "http://hook.example/ a",
        "http://hook.example/\r\nX: y", "http://höök.example/", "http://-a.example/", "http://a..b/", "http://a b/",
        "http://127.0.0.1/", "http://[::1]/", "http://[::ffff:10.0.0.1]/", "http://[fe80::1%25eth0]/",
        "http://[fe80::1%eth0]/", "http://169.254.169.254/latest", "http://[::1/", "gopher://hook.example:70/",
        "http://hook.example/" + "a" * 2048, "http://localhost/", "http://LOCALHOST.:8000/", "http://a.localhost/",
        "http://localhost.localdomain/", "http://localhost6/", "http://ip6-localhost/", "http://ip6-loopback/",
        "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://0177.0.0.1/",
        "http://hook.0/",
    ],
)  # fmt: skip
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(TargetRefused):
        read_target(url, allow_private=False)


def test_refusal_of_an_address_is_a_sentence() -> None:
    with pytest.raises(
        TargetRefused,
        match=r"^must not have the address 127\.0\.0\.1, which is not a globally reachable address of another host",
    ):
        read_target("http://127.0.0.1/", allow_private=False)


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "localhost", "localhost."])
def test_other_spellings_of_loopback_are_refused_without_a_look_up(receiver: Receiver, host: str) -> None:
    failed = failure(receiver.url(host), allow_private=False)
    assert "name of this host" in str(failed) or "abbreviated" in str(failed)
    assert receiver.received == []
