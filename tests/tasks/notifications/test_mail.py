"""Single mails, sent to a real mail server."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gonemaster_tasks.config.mail_types import SmtpServer, read_mail_address, read_smtp_url
from gonemaster_tasks.notifications import mail as module
from gonemaster_tasks.notifications.failures import DeliveryFailed
from gonemaster_tasks.notifications.mail import Mail, send_mail
from tests.support.certificates import Certificates, make_certificates
from tests.support.mail_server import LOGIN, Mailbox, open_mail_server
from tests.support.receivers import closed_port
from tests.support.rows import NOON

QUOTED = "user%40mail.example:pass%20word%2F%40%3A"


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with open_mail_server() as opened:
        yield opened


@pytest.fixture
def certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certificates:
    made = make_certificates(tmp_path, "127.0.0.1", "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(made.authority))
    return made


def send(url: str, **fields: Any) -> int:
    values: dict[str, Any] = {"subject": "2 domains regressed", "text": "a.example: A -> C\nb.example: A -> D"}
    mail = Mail("dlv_1", "dns@mail.example", "ops@example.com", event="digest", created_at=NOON, **(values | fields))
    return asyncio.run(send_mail(read_smtp_url(url), mail))


def failure(url: str) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as caught:
        send(url)
    return caught.value


def test_a_mail_is_plain_text_that_no_machine_answers(mailbox: Mailbox) -> None:
    assert send(f"smtp://127.0.0.1:{mailbox.port}") == 250
    (got,) = mailbox.mails
    assert mailbox.recipients == [["ops@example.com"]]
    assert got["From"] == "gonemaster <dns@mail.example>"
    assert (got["To"], got["Subject"]) == ("ops@example.com", "2 domains regressed")
    assert got["Message-ID"] == "<dlv_1@mail.example>"
    assert (got["Auto-Submitted"], got["X-Gonemaster-Event"]) == ("auto-generated", "digest")
    assert got["Date"] == "Wed, 25 Nov 2026 12:00:00 +0000"
    assert got.get_content_type() == "text/plain"
    assert got.get_content().splitlines() == ["a.example: A -> C", "b.example: A -> D"]


def test_no_text_makes_a_header_or_hides_what_is_shown(mailbox: Mailbox) -> None:
    tag = "mine\r\nBcc: all@example.com\n\n\u202eevil\u2028\0\x1b[31m"
    send(f"smtp://127.0.0.1:{mailbox.port}", subject=tag + "é" * 300, text=f"tag {tag}\n.\nQUIT\nsmörgås")
    (got,) = mailbox.mails
    assert got["Bcc"] is None
    assert mailbox.recipients == [["ops@example.com"]]
    assert got["Subject"].startswith("mine??Bcc: all@example.com???evil???[31mé")
    assert len(got["Subject"]) == 200
    lines = got.get_content().splitlines()
    assert lines == ["tag mine?", "Bcc: all@example.com", "", "?evil???[31m", ".", "QUIT", "smörgås"]


@pytest.mark.parametrize(
    ("answer", "status", "final"), [("451 later", 451, False), ("554 never", 554, True), ("552 full", 552, True)]
)
def test_a_refusal_is_final_if_the_server_says_so(mailbox: Mailbox, answer: str, status: int, *, final: bool) -> None:
    mailbox.refusal = answer
    failed = failure(f"smtp://127.0.0.1:{mailbox.port}")
    assert (failed.status, failed.final) == (status, final)
    mailbox.refusal, mailbox.recipient_refusal = "", answer
    failed = failure(f"smtp://127.0.0.1:{mailbox.port}")
    assert (failed.status, failed.final) == (status, final)
    assert "recipient" in str(failed)
    assert "later" not in str(failed)


def test_a_closed_port_is_a_failure() -> None:
    failed = failure(f"smtp://127.0.0.1:{closed_port()}")
    assert (failed.status, failed.final, str(failed)) == (None, False, "the mail server failed: ConnectionRefusedError")


def test_a_server_that_hangs_is_given_up_and_its_thread_ends(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT_S", 0.5)
    mailbox.hanging = True
    assert "within 0.5 s" in str(failure(f"smtp://127.0.0.1:{mailbox.port}"))
    for thread in threading.enumerate():
        if thread.name == "mail":
            thread.join(timeout=60)
            assert not thread.is_alive()


def test_a_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert "within 0.5 s" in str(failure(f"smtp://127.0.0.1:{silent.getsockname()[1]}"))


@pytest.mark.parametrize("line", [b"220-" + b"a" * 500 + b"\r\n", b"220-\n", b"220 " + b"a" * 10_000])
def test_replies_without_an_end_are_given_up_after_64_kib(line: bytes) -> None:
    sent = 0

    def flood(server: socket.socket) -> None:
        nonlocal sent
        connection, _ = server.accept()
        with connection, suppress(OSError):
            while sent < 64 << 20:
                sent += connection.send(line * 1000)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=flood, args=(server,))
        thread.start()
        failed = failure(f"smtp://127.0.0.1:{server.getsockname()[1]}")
        thread.join(60)
    assert failed.final is False or failed.status == 500
    assert sent < 32 << 20, "the rest is what the kernel holds"


@pytest.mark.parametrize("code", ["-1", "999", "abc", "0"])
def test_statuses_outside_of_smtp_are_not_stored(mailbox: Mailbox, code: str) -> None:
    mailbox.recipient_refusal = f"{code} odd"
    assert failure(f"smtp://127.0.0.1:{mailbox.port}").status is None


def test_starttls_with_a_login(certificates: Certificates) -> None:
    with open_mail_server(starttls=certificates.server, login=True) as mailbox:
        assert send(f"smtp+starttls://{QUOTED}@127.0.0.1:{mailbox.port}") == 250
        assert (mailbox.was_secure, mailbox.logins) == ([True], [LOGIN])
        failed = failure(f"smtp+starttls://{QUOTED}x@127.0.0.1:{mailbox.port}")
        assert (failed.status, failed.final) == (535, False)  # an error of the settings, not of the mail


def test_tls_from_the_start(certificates: Certificates) -> None:
    with open_mail_server(tls=certificates.server) as mailbox:
        assert send(f"smtps://localhost:{mailbox.port}") == 250
        assert len(mailbox.mails) == 1


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_an_unknown_certificate_is_refused(scheme: str, tmp_path: Path) -> None:
    server = make_certificates(tmp_path, "127.0.0.1").server
    how: Any = {"tls": server} if scheme == "smtps" else {"starttls": server}
    with open_mail_server(**how) as mailbox:
        failed = failure(f"{scheme}://127.0.0.1:{mailbox.port}")
        assert str(failed) == "the certificate of the mail server is not valid", "not where the mail server is"
        assert mailbox.mails == []


def test_no_login_is_sent_to_a_server_without_starttls(mailbox: Mailbox) -> None:
    assert "SMTPNotSupportedError" in str(failure(f"smtp+starttls://{QUOTED}@127.0.0.1:{mailbox.port}"))
    assert mailbox.logins == []


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://relay.example", SmtpServer("plain", "relay.example", 25)),
        ("smtp://[::1]:2525/", SmtpServer("plain", "::1", 2525)),
        ("smtp://u:p@localhost", SmtpServer("plain", "localhost", 25, "u", "p")),
        ("smtp+starttls://u:p%40@relay.example", SmtpServer("starttls", "relay.example", 587, "u", "p@")),
        ("smtps://relay.example:1465", SmtpServer("tls", "relay.example", 1465)),
    ],
)
def test_urls_of_mail_servers(url: str, server: SmtpServer) -> None:
    assert read_smtp_url(url) == server
    assert "p@" not in repr(read_smtp_url(url))


@pytest.mark.parametrize(
    "url",
    [
        "relay.example", "http://relay.example", "smtp://", "smtp://u:p@relay.example", "smtps://u@relay.example",
        "smtps://:p@relay.example", "smtps://relay.example/path", "smtps://relay.example?a", "smtps://relay.example#",
        "smtps://relay.example:x", "smtps://relay.example:70000", "smtps://u:%0d%0a@relay.example", "smtps://a b/",
    ],
)  # fmt: skip
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ValueError):
        read_smtp_url(url)


@pytest.mark.parametrize(
    ("text", "address"),
    [("ops@Example.COM", "ops@example.com"), ("a.b+c@bücher.example", "a.b+c@xn--bcher-kva.example")],
)
def test_addresses(text: str, address: str) -> None:
    assert read_mail_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "", "ops", "@example.com", "ops@", "ops@.", "a b@example.com", "ops@example.com, b@example.com",
        "<ops@a.example>",
        "Ops <ops@example.com>", '"a b"@example.com', "ops@example.com\r\nBcc: b@c.example", "ö@example.com",
        ".a@example.com", "a..b@example.com", "a" * 65 + "@example.com", "ops@-.example..", "a@" + "b." * 130 + "c",
    ],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError):
        read_mail_address(text)
