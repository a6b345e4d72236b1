"""Option types for addresses: host and port, IP addresses and prefixes, URLs."""

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import urlsplit

from gonemaster_engine.errors import InvalidDomain
from gonemaster_engine.names import normalize_domain
from gonemaster_engine.texts import Text
from gonemaster_tasks.config.option_types import OptionType, split_list

BROKER_SCHEMES = ("redis", "rediss", "redis+socket", "sentinel")
_HOST_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")  # No wildcards: every name is listed.
_PLAIN_PATH = re.compile(r"[a-z0-9_-]+(/[a-z0-9_-]+)*")
_MAX_PATH = 200
NO_SERVERS = "none"
_PLAIN_URL = re.compile(r"[!-~]{1,2048}")  # urlsplit accepts blanks and control characters


def listen_address() -> OptionType:
    """Accept `host:port`, with IPv6 addresses in brackets."""

    def parse(raw: object) -> str:
        if not isinstance(raw, str):
            raise ValueError
        host, separator, port = raw.strip().rpartition(":")
        bare = host.removeprefix("[").removesuffix("]")
        if not separator or not bare or not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise ValueError
        if ":" in bare:
            ipaddress.IPv6Address(bare)
        return raw.strip()

    return OptionType(parse, Text("host:port, for example 127.0.0.1:8080 or [::1]:8080"))


def optional_listen_address() -> OptionType:
    """Accept the same values as `listen_address`, and an empty string, which means none."""
    needed = listen_address()
    return OptionType(
        lambda raw: raw if raw == "" else needed.parse(raw), Text("{allowed}; empty for none", allowed=needed.allowed)
    )


def source_address(family: int) -> OptionType:
    """Accept an IP address of the family 4 or 6; an empty string means none."""

    def parse(raw: object) -> str:
        if not isinstance(raw, str):
            raise ValueError
        if raw and ipaddress.ip_address(raw).version != family:
            raise ValueError
        return raw

    return OptionType(parse, Text("an IPv{family} address", family=family))


def name_servers() -> OptionType:
    """Accept a list of IP addresses, or the word none."""

    def parse(raw: object) -> tuple[str, ...]:
        items = split_list(raw)
        return items if items == (NO_SERVERS,) else tuple(str(ipaddress.ip_address(item)) for item in items)

    return OptionType(parse, Text("IP addresses, or none"))


def networks() -> OptionType:
    """Accept a list of IP prefixes in CIDR notation."""

    def parse(raw: object) -> tuple[str, ...]:
        return tuple(str(ipaddress.ip_network(item)) for item in split_list(raw))

    return OptionType(parse, Text("a list of prefixes in CIDR notation such as 10.0.0.0/8, 2001:db8::/32"), "array")


def host_names() -> OptionType:
    """Accept a list of host names and IP addresses without ports; IPv6 addresses may be in brackets."""

    def parse(raw: object) -> tuple[str, ...]:
        return tuple(_host_name(item) for item in split_list(raw))

    return OptionType(
        parse, Text("a list of host names or IP addresses without port, such as dns.example, 192.0.2.1"), "array"
    )


def host_name() -> OptionType:
    """Accept a host name; an empty string means none."""

    def parse(raw: object) -> str:
        if not isinstance(raw, str) or (raw and (":" in raw or raw.rpartition(".")[2].isdigit())):
            raise ValueError
        return _host_name(raw) if raw else ""

    return OptionType(parse, Text("a host name; empty for none"))


def _host_name(text: str) -> str:
    bracketed = text.startswith("[") and text.endswith("]")
    if ":" in text:
        address = ipaddress.IPv6Address(text[1:-1] if bracketed else text)
        if address.scope_id:  # A zone id is only valid on one machine.
            raise ValueError
        return str(address)
    if text.rpartition(".")[2].isdigit():
        return str(ipaddress.IPv4Address(text))
    try:
        name = normalize_domain(text)
    except InvalidDomain as error:
        raise ValueError from error
    if not _HOST_NAME.fullmatch(name):
        raise ValueError
    return name


def http_url() -> OptionType:
    """Accept an absolute http or https URL without user, query and fragment; an empty string means none."""

    def parse(raw: object) -> str:
        if not isinstance(raw, str):
            raise ValueError
        parts = urlsplit(raw)
        has_extra_part = parts.username or parts.password or parts.query or parts.fragment or not parts.hostname
        if raw and (parts.scheme not in ("http", "https") or has_extra_part or not _PLAIN_URL.fullmatch(raw)):
            raise ValueError
        _ = parts.port  # Raises ValueError if it is not a port number.
        return raw.rstrip("/")

    return OptionType(parse, Text("an absolute http or https URL without user, query or fragment"))


def page_path(reserved: Collection[str]) -> OptionType:
    """Accept a URL path for pages that ends with a slash and starts with none of the reserved segments in `reserved`.

    Paths are case-sensitive and may be escaped, so only plain lower-case characters are allowed.
    """

    def parse(raw: object) -> str:
        path = raw.strip("/") if isinstance(raw, str) else ""
        if len(path) > _MAX_PATH or not _PLAIN_PATH.fullmatch(path) or path.partition("/")[0] in reserved:
            raise ValueError
        return f"{path}/"

    return OptionType(
        parse,
        f"a path of at most {_MAX_PATH} lower-case letters, digits, hyphens, underscores and slashes, of which the "
        f"first segment is none of {', '.join(sorted(reserved))}",
    )


def redis_url() -> OptionType:
    """Accept the URL of a broker; an empty string means the embedded broker."""

    def parse(raw: object) -> str:
        if not isinstance(raw, str):
            raise ValueError
        if raw and (urlsplit(raw).scheme not in BROKER_SCHEMES or "://" not in raw):
            raise ValueError
        return raw

    schemes = ", ".join(f"{scheme}://" for scheme in BROKER_SCHEMES)
    return OptionType(parse, f"a URL with one of the schemes {schemes}, or empty for the embedded broker")
