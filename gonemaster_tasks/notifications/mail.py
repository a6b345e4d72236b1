"""Delivery of one plain-text mail to the mail server of the settings."""

import asyncio
import io
import logging
import re
import smtplib
import socket
import ssl
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from gonemaster_engine.texts import Text
from gonemaster_tasks.config.mail_types import SmtpServer
from gonemaster_tasks.notifications.failures import DeliveryFailed
from gonemaster_tasks.notifications.threads import in_thread

log = logging.getLogger(__name__)

TIMEOUT_S = 30.0  # The total time limit of an attempt.
_STEP_TIMEOUT_S = 10.0
_MAX_SUBJECT = 200
_MAX_REPLIES = 64 * 1024  # smtplib keeps all lines of a reply, and a reply can have any number of lines.
_HOST_NAME = re.compile(r"[A-Za-z0-9.-]{1,253}")
_SEPARATORS = ("Zl", "Zp")


@dataclass(frozen=True)
class Mail:
    """A message to compose. `id` determines its Message-ID, so that receivers can drop repetitions."""

    id: str
    sender: str
    recipient: str
    subject: str
    text: str
    event: str
    created_at: datetime


def plain(text: str) -> str:
    """Replace control, format and other characters that change the display with question marks."""
    return "".join("?" if _changes_display(letter) else letter for letter in text)


def _changes_display(letter: str) -> bool:
    category = unicodedata.category(letter)
    return category.startswith("C") or category in _SEPARATORS


def compose(mail: Mail) -> EmailMessage:
    """Compose the message; the subject and every line of the text are sanitized."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = plain(mail.subject)[:_MAX_SUBJECT]
    message["From"] = Address("gonemaster", addr_spec=mail.sender)
    message["To"] = Address(addr_spec=mail.recipient)
    message["Date"] = format_datetime(mail.created_at)
    message["Message-ID"] = f"<{mail.id}@{mail.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic responses
    message["X-Gonemaster-Event"] = mail.event
    message["X-Gonemaster-Delivery"] = mail.id
    message.set_content("\n".join(plain(line) for line in mail.text.split("\n")))
    return message


async def send_mail(server: SmtpServer, mail: Mail) -> int:
    """Make one attempt; return the status with which the server accepted the mail.

    Raises:
        DeliveryFailed: the server did not accept the mail; final for a permanent refusal (5xx).
    """
    session = _Session(server)
    message = compose(mail)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await in_thread(lambda: session.send(message, mail), name="mail")
    except TimeoutError as error:
        raise DeliveryFailed(
            Text("the mail server did not accept the mail within {timeout_s} s", timeout_s=format(TIMEOUT_S, "g"))
        ) from error
    finally:
        session.abort()


def _status_of(code: int) -> int | None:
    return code if 400 <= code < 600 else None


class _Replies(io.BufferedReader):
    """The replies of a mail server, of limited length."""

    _left = _MAX_REPLIES

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        self._left -= len(line)
        if self._left < 0:
            raise OSError("the replies are too long")
        return line


class _Smtp(smtplib.SMTP):
    """A client that begins without TLS. Replies have a limited length."""

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Replies(self.sock.makefile("rb", buffering=0))
        return super().getreply()


class _SmtpTls(_Smtp, smtplib.SMTP_SSL):
    """A client that begins with TLS."""


class _Session:
    """One connection to a mail server, used by one thread and aborted by another."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        name = socket.gethostname()  # smtplib would look up the full name of this host, which can be slow.
        local = name if _HOST_NAME.fullmatch(name) else "localhost"
        if server.security == "tls":
            tls = ssl.create_default_context()
            self._smtp: smtplib.SMTP = _SmtpTls(local_hostname=local, timeout=_STEP_TIMEOUT_S, context=tls)
        else:
            self._smtp = _Smtp(local_hostname=local, timeout=_STEP_TIMEOUT_S)
        self._smtp._host = server.host  # type: ignore[attr-defined]  # noqa: SLF001 - the name in the certificate; set by the constructor only if it connects

    def send(self, message: EmailMessage, mail: Mail) -> int:
        try:
            return self._send(message, mail)
        except smtplib.SMTPResponseException as error:
            code = _status_of(error.smtp_code)
            text = Text("the mail server refused with {smtp_code}", smtp_code=error.smtp_code)
            # A failed login is a fault of the settings, not of this mail.
            final = not isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code >= 500
            raise DeliveryFailed(text, status=code, final=final) from error
        except smtplib.SMTPRecipientsRefused as error:
            ((code, _),) = error.recipients.values()
            raise DeliveryFailed(
                Text("the recipient was refused with {code}", code=code), status=_status_of(code), final=code >= 500
            ) from error
        except ssl.SSLCertVerificationError as error:  # Its message has the name or address of the mail server.
            log.warning("mail server has an invalid certificate", extra={"error": error.verify_message})
            raise DeliveryFailed(Text("the certificate of the mail server is not valid")) from error
        except (OSError, smtplib.SMTPException) as error:
            raise DeliveryFailed(Text("the mail server failed: {name}", name=type(error).__name__)) from error
        finally:
            self._smtp.close()

    def _send(self, message: EmailMessage, mail: Mail) -> int:
        server, smtp = self._server, self._smtp
        code, answer = smtp.connect(server.host, server.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, answer)
        if server.security == "starttls":
            smtp.starttls(context=ssl.create_default_context())
        if server.user:
            smtp.login(server.user, server.password)
        smtp.send_message(message, mail.sender, [mail.recipient])
        with suppress(OSError, smtplib.SMTPException):  # The mail was already accepted.
            smtp.quit()
        return 250

    def abort(self) -> None:
        """Close the connection, so that a thread waiting for the server returns."""
        with suppress(OSError, AttributeError):  # The connection does not exist yet, or is already closed.
            self._smtp.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
