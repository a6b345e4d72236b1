"""A mail server for tests: aiosmtpd on loopback, which accepts, rejects or hangs on request."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

LOGIN = ("user@mail.example", "pass word/@:")


@dataclass
class Mailbox:
    """The accepted messages. `refusal` is a response that rejects them; with `hanging` DATA gets no response."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    was_secure: list[bool] = field(default_factory=list)
    refusal: str = ""
    recipient_refusal: str = ""
    hanging: bool = False
    released: threading.Event = field(default_factory=threading.Event)

    async def handle_RCPT(  # noqa: N802 - a name of aiosmtpd
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if self.recipient_refusal:
            return self.recipient_refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - a name of aiosmtpd
        if self.hanging:
            await asyncio.to_thread(self.released.wait, 60)
        if self.refusal:
            return self.refusal
        self.mails.append(message_from_bytes(envelope.content, policy=policy.SMTP))
        self.recipients.append(list(envelope.rcpt_tos))
        self.was_secure.append(session.ssl is not None)
        return "250 taken"


def _smtp(mailbox: Mailbox, *, starttls: ssl.SSLContext | None, login: bool, secure: bool) -> Any:
    def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        if not isinstance(data, LoginPassword):
            return AuthResult(success=False)
        given = (data.login.decode(), data.password.decode())
        mailbox.logins.append(given)
        return AuthResult(success=given == LOGIN, handled=False)

    return SMTP(
        mailbox,
        authenticator=authenticate,
        auth_require_tls=not secure,
        auth_required=login,
        tls_context=starttls,
        require_starttls=starttls is not None,
        hostname="mail.example",
    )


@contextmanager
def open_mail_server(
    *, tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None, login: bool = False
) -> Iterator[Mailbox]:
    """Open a server that accepts everything by default; with `login` only from LOGIN."""
    mailbox, loop = Mailbox(), asyncio.new_event_loop()

    def serve() -> None:
        loop.run_forever()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    async def listen() -> asyncio.Server:
        def make() -> Any:
            return _smtp(mailbox, starttls=starttls, login=login, secure=tls is not None)

        return await loop.create_server(make, "127.0.0.1", 0, ssl=tls)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(listen(), loop).result(60)
    mailbox.port = server.sockets[0].getsockname()[1]
    try:
        yield mailbox
    finally:
        mailbox.released.set()
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
