"""Kinds of setting: how a value is read from text or JSON, and what is allowed."""

import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_TOKEN_HASH = re.compile(r"(?:(?P<label>[^=:,]{1,64})=)?(?P<hash>sha256:[0-9a-fA-F]{64})")
_PLAIN_URL = re.compile(r"[!-~]{1,2048}")  # urlsplit passes over blanks and control characters
TRUE_OR_FALSE = "true or false"
BROKER_SCHEMES = ("redis", "rediss", "redis+socket", "sentinel")
LEVELS = ("DEBUG3", "DEBUG2", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL")


@dataclass(frozen=True)
class Kind:
    """`read` turns raw text or JSON into the value and raises ValueError; `allowed` says what is taken.

    `json_type` is the type of the value in JSON; `minimum`, `maximum` and `choices` say for programs what `allowed`
    says for people.
    """

    read: Callable[[object], object]
    allowed: str
    json_type: Literal["string", "integer", "boolean", "array"] = "string"
    minimum: int | None = None
    maximum: int | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class AdminToken:
    """An admin token as stored: the digest, never the token."""

    label: str
    hash: str
    scopes: tuple[str, ...] = ()


def integer(low: int, high: int) -> Kind:
    """Take whole numbers from `low` to `high`."""

    def read(raw: object) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int | str):
            raise ValueError
        value = int(raw)
        if not low <= value <= high:
            raise ValueError
        return value

    return Kind(read, f"a whole number from {low} to {high}", "integer", minimum=low, maximum=high)


def boolean() -> Kind:
    """Take truth values as people write them in environments."""
    words = {
        "true": True,
        "1": True,
        "yes": True,
        "on": True,
        "false": False,
        "0": False,
        "no": False,
        "off": False,
    }

    def read(raw: object) -> bool:
        if isinstance(raw, bool):
            return raw
        if isinstance(raw, str) and raw.strip().lower() in words:
            return words[raw.strip().lower()]
        raise ValueError

    return Kind(read, TRUE_OR_FALSE, "boolean")


def choice(*values: str) -> Kind:
    """Take one of some words, whatever their case; the spelling given here is kept."""
    spelling = {value.lower(): value for value in values}

    def read(raw: object) -> str:
        if not isinstance(raw, str) or raw.strip().lower() not in spelling:
            raise ValueError
        return spelling[raw.strip().lower()]

    return Kind(read, "one of " + ", ".join(values), choices=values)


def text(longest: int = 65535) -> Kind:
    """Take any text up to a length."""

    def read(raw: object) -> str:
        if not isinstance(raw, str) or len(raw) > longest:
            raise ValueError
        return raw

    return Kind(read, f"text of at most {longest} characters")


def login() -> Kind:
    """Take `user:password`. Empty text means none."""

    def read(raw: object) -> str:
        if not isinstance(raw, str):
            raise ValueError
        user, _, password = raw.partition(":")
        if raw and not (user and password):
            raise ValueError
        return raw

    return Kind(read, "user:password")


def duration(*, above_zero: bool = True) -> Kind:
    """Take spans such as `30s`, `1h30m`, `1.5h`, or a number of seconds."""

    def read(raw: object) -> timedelta:
        seconds = _seconds(raw)
        if seconds < 0 or (above_zero and seconds == 0) or seconds > 10 * 366 * 86400:
            raise ValueError
        return timedelta(seconds=seconds)

    return Kind(read, "a duration such as 30s, 10m, 1h30m" + (" above zero" if above_zero else ""))


def _seconds(raw: object) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise ValueError
    if isinstance(raw, int | float):
        return float(raw)
    parts = _DURATION_PART.findall(raw.strip())
    if "".join(number + unit for number, unit in parts) == raw.strip() and parts:
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    return float(raw)


def path() -> Kind:
    """Take names of files or directories; `~` is expanded. Empty text means none."""

    def read(raw: object) -> Path | None:
        if not isinstance(raw, str) or "\0" in raw:
            raise ValueError
        return Path(raw).expanduser() if raw else None

    return Kind(read, "a path")


def readable_file() -> Kind:
    """Take names of files that exist and can be read. Empty text means none."""

    def read(raw: object) -> Path | None:
        value = path().read(raw)
        if isinstance(value, Path):
            try:
                value.open("rb").close()
            except OSError as error:
                raise ValueError from error
            return value
        return None

    return Kind(read, "the path of a readable file")


def listen_address() -> Kind:
    """Take `host:port`, IPv6 addresses in brackets."""

    def read(raw: object) -> str:
        if not isinstance(raw, str):
            raise ValueError
        host, separator, port = raw.strip().rpartition(":")
        bare = host.removeprefix("[").removesuffix("]")
        if not separator or not bare or not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise ValueError
        if ":" in bare:
            ipaddress.IPv6Address(bare)
        return raw.strip()

    return Kind(read, "host:port, for example 127.0.0.1:8080 or [::1]:8080")


def source_address(family: int) -> Kind:
    """Take an IP address of one family. Empty text means none."""

    def read(raw: object) -> str:
        if not isinstance(raw, str):
            raise ValueError
        if raw and ipaddress.ip_address(raw).version != family:
            raise ValueError
        return raw

    return Kind(read, f"an IPv{family} address")


def public_url() -> Kind:
    """Take an absolute web address without user, query and fragment. Empty text means none."""

    def read(raw: object) -> str:
        if not isinstance(raw, str):
            raise ValueError
        parts = urlsplit(raw)
        bad = parts.username or parts.password or parts.query or parts.fragment or not parts.hostname
        if raw and (parts.scheme not in ("http", "https") or bad or not _PLAIN_URL.fullmatch(raw)):
            raise ValueError
        _ = parts.port  # raises ValueError for one that is none
        return raw.rstrip("/")

    return Kind(read, "an absolute http or https URL without user, query or fragment")


def broker_url() -> Kind:
    """Take the address of a broker. Empty text means the embedded one."""

    def read(raw: object) -> str:
        if not isinstance(raw, str):
            raise ValueError
        if raw and (urlsplit(raw).scheme not in BROKER_SCHEMES or "://" not in raw):
            raise ValueError
        return raw

    schemes = ", ".join(f"{scheme}://" for scheme in BROKER_SCHEMES)
    return Kind(
        read,
        f"a URL that begins with {schemes}; empty for the embedded broker",
    )


def words(*values: str) -> Kind:
    """Take a list of words, as JSON list or separated by commas; any words, and none, if no values are given."""

    def read(raw: object) -> tuple[str, ...]:
        items = tuple(_items(raw))
        if values and not (items and set(items) <= set(values)):
            raise ValueError
        return items

    allowed = "a list of " + (", ".join(values) if values else "names separated by commas")
    return Kind(read, allowed, "array", choices=values)


def networks() -> Kind:
    """Take a list of address ranges in CIDR form."""

    def read(raw: object) -> tuple[str, ...]:
        return tuple(str(ipaddress.ip_network(item)) for item in _items(raw))

    return Kind(read, "a list of CIDR ranges such as 10.0.0.0/8, 2001:db8::/32", "array")


def _items(raw: object) -> Iterable[str]:
    if isinstance(raw, str):
        raw = raw.split(",")
    if not isinstance(raw, list | tuple) or not all(isinstance(item, str) for item in raw):
        raise ValueError
    return (item.strip() for item in raw if item.strip())


def admin_tokens() -> Kind:
    """Take token digests: {label, hash, scopes} in JSON, or `label=sha256:<hex>` separated by commas."""

    def read(raw: object) -> tuple[AdminToken, ...]:
        entries = raw.split(",") if isinstance(raw, str) else raw
        if not isinstance(entries, list | tuple):
            raise ValueError
        return tuple(_admin_token(entry) for entry in entries if entry not in ("", None))

    allowed = "a list of {label, hash, scopes}, or label=sha256:<64 hex digits> separated by commas"
    return Kind(read, allowed, "array")


def _admin_token(entry: object) -> AdminToken:
    if isinstance(entry, AdminToken):
        return entry
    if isinstance(entry, str):
        found = _TOKEN_HASH.fullmatch(entry.strip())
        if not found:
            raise ValueError
        return AdminToken(label=found["label"] or "", hash=found["hash"].lower())
    if not isinstance(entry, dict) or not set(entry) <= {"label", "hash", "scopes"}:
        raise ValueError
    bare = _admin_token(str(entry.get("hash", "")))
    return AdminToken(str(entry.get("label", "")), bare.hash, tuple(_items(entry.get("scopes", []))))
