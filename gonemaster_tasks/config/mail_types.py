"""Option types for mail: addresses and the mail server."""

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote, urlsplit

from gonemaster_engine.errors import InvalidDomain
from gonemaster_engine.names import normalize_domain
from gonemaster_engine.texts import Text, text_of
from gonemaster_tasks.config.option_types import OptionType

# The unquoted form of RFC 5321 section 4.1.2: sufficient for programs, and no character can end a header.
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_MAX_LOCAL, _MAX_ADDRESS = 64, 254
_PLAIN = re.compile(r"[!-~]{1,2048}")
_SCHEMES: dict[str, tuple[Literal["plain", "starttls", "tls"], int]] = {
    "smtp": ("plain", 25),
    "smtp+starttls": ("starttls", 587),
    "smtps": ("tls", 465),
}


@dataclass(frozen=True)
class SmtpServer:
    """A mail server: its address, security and login."""

    security: Literal["plain", "starttls", "tls"]
    host: str
    port: int
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)


def read_mail_address(text: str) -> str:
    """Return a mail address with its domain in A-labels. Raises ValueError if it is invalid."""
    local, at, domain = text.rpartition("@")
    if not at or not _LOCAL_PART.fullmatch(local) or len(local) > _MAX_LOCAL:
        raise ValueError(Text("must be an address such as ops@example.com, without a name or quotes"))
    try:
        name = normalize_domain(domain)
    except InvalidDomain as error:
        raise ValueError(
            Text("the domain {domain} is not valid: {error}", domain=repr(domain[:100]), error=text_of(error))
        ) from error
    address = f"{local}@{name}"
    if name == "." or len(address) > _MAX_ADDRESS:
        raise ValueError(
            Text("must have a domain and at most {longest_address} characters", longest_address=_MAX_ADDRESS)
        )
    return address


def read_smtp_url(text: str) -> SmtpServer:
    """Parse the URL of a mail server. Raises ValueError."""
    parts = urlsplit(text)
    if not _PLAIN.fullmatch(text) or parts.scheme not in _SCHEMES or not parts.hostname:
        raise ValueError
    if parts.path not in ("", "/") or parts.query or parts.fragment or "?" in text or "#" in text:
        raise ValueError
    security, port = _SCHEMES[parts.scheme]
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(user) != bool(password) or not (user + password).isprintable():
        raise ValueError
    if password and security == "plain" and not _is_loopback(parts.hostname):
        raise ValueError
    return SmtpServer(security, parts.hostname, parts.port or port, user, password)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def mail_address() -> OptionType:
    """Accept a mail address; an empty string means none."""

    def parse(raw: object) -> str:
        if not isinstance(raw, str):
            raise ValueError
        return read_mail_address(raw) if raw else ""

    return OptionType(parse, "a mail address such as dns@example.com")


def smtp_url() -> OptionType:
    """Accept the URL of a mail server; an empty string means none."""

    def parse(raw: object) -> str:
        if not isinstance(raw, str):
            raise ValueError
        if raw:
            read_smtp_url(raw)
        return raw

    return OptionType(
        parse,
        "smtp://host:25, smtp+starttls://user:password@host:587 or smtps://user:password@host:465; a password over"
        " smtp:// only to a loopback address; characters other than letters, digits, -._~ in user and password as %XX",
    )
