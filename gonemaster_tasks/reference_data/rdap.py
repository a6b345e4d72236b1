"""Registration data: the RDAP service of a domain, and the stored part of its response.

Sources: RFC 9224 (the service), RFC 9082 section 3.1.3 (the URL of a domain), RFC 9083 section 5.3 (the response).
No data of people are stored: a registrant's name only if the domain is a top-level domain, whose registrant is its
registry.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from gonemaster_db.service.reference_lists import find_reference_list

BOOTSTRAP = "rdap_dns_bootstrap"
_MAX_SERVICES = 50_000
_MAX_TEXT, _MAX_LISTED = 255, 32
_EVENTS = {"registration": "registered_at", "expiration": "expires_at", "last changed": "changed_at"}


class NotRdap(ValueError):
    """A document that is not the expected RDAP document; the message says why."""


@dataclass(frozen=True)
class Services:
    """RDAP services by the zone whose domains they serve."""

    version: str
    urls: Mapping[str, str]

    def url_of(self, domain: str) -> str | None:
        """Return the URL of the data of a domain; None if no service has them. The longest match counts (RFC 9224)."""
        labels = domain.split(".")
        for first in range(len(labels)):
            if base := self.urls.get(".".join(labels[first:])):
                return f"{base}domain/{domain}"
        return None

    def lines(self) -> list[str]:
        """Return the services in their stored form, one per line."""
        return [f"{name} {url}" for name, url in self.urls.items()]


def parse_services(text: str) -> Services:
    """Parse the bootstrap file of IANA. Raises NotRdap."""
    document = _loaded(text)
    version, services = document.get("publication"), document.get("services")
    if not isinstance(version, str) or not isinstance(services, list):
        raise NotRdap("it has no `publication` or no `services`")
    urls: dict[str, str] = {}
    for service in services:
        match service:
            case [list() as names, list() as bases]:
                if base := _base_of(bases):
                    urls |= {name.lower().rstrip("."): base for name in names if isinstance(name, str) and name}
            case _:
                raise NotRdap("a service is not a pair of lists")
    if not 0 < len(urls) <= _MAX_SERVICES:
        raise NotRdap(f"{len(urls)} services; between 1 and {_MAX_SERVICES} are expected")
    if wrong := next((name for name in urls if len(name.split()) != 1), None):
        raise NotRdap(f"{wrong[:80]!r} is not a name")
    return Services(_text(version)[:64], urls)


def _base_of(bases: Iterable[Any]) -> str | None:
    """Return the URL to use; RFC 9224 prefers https and requires a slash at the end."""
    usable = [base for base in bases if isinstance(base, str) and base.isascii() and _is_base(base)]
    chosen = next((base for base in usable if base.startswith("https:")), next(iter(usable), None))
    return chosen and f"{chosen.rstrip('/')}/"


def _is_base(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    plain = not any(letter.isspace() for letter in url) and len(url) <= _MAX_TEXT
    return plain and parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc


def current_services(session: Session) -> Services | None:
    """Return the services fetched last; None if there are none."""
    row = find_reference_list(session, BOOTSTRAP)
    if row is None or row.fetched_at is None:
        return None
    pairs = (line.partition(" ") for line in row.content.split("\n"))
    return Services(row.version, {name: url for name, _, url in pairs})


@dataclass(frozen=True)
class RegistrationData:
    """The stored part of a response; times in UTC as RFC 3339 text; None or empty if missing in the response."""

    handle: str | None = None
    status: tuple[str, ...] = ()
    registrar: str | None = None
    registry_org: str | None = None
    registered_at: str | None = None
    expires_at: str | None = None
    changed_at: str | None = None
    nameservers: tuple[str, ...] = ()
    delegation_signed: bool | None = None

    def as_json(self) -> str:
        """Return the data in their stored form."""
        return json.dumps(asdict(self))


def parse_domain(text: str, domain: str) -> RegistrationData:
    """Parse the response about a domain. Raises NotRdap."""
    document = _loaded(text)
    if document.get("objectClassName") != "domain":
        raise NotRdap("it is not about a domain")
    named = _text(document.get("ldhName") or "").lower().rstrip(".")
    if named and named != domain:
        raise NotRdap(f"it is about {named[:80]!r}")
    entities = [item for item in _many(document.get("entities")) if isinstance(item, dict)]
    secure = document.get("secureDNS")
    signed = secure.get("delegationSigned") if isinstance(secure, dict) else None
    servers = (item.get("ldhName") for item in _many(document.get("nameservers")) if isinstance(item, dict))
    return RegistrationData(
        handle=_text(document.get("handle")) or None,
        status=_texts(document.get("status")),
        registrar=_name_of(entities, "registrar"),
        registry_org=_name_of(entities, "sponsor", "registrant") if "." not in domain else None,
        nameservers=tuple(sorted({name.lower().rstrip(".") for name in _texts(list(servers))})),
        delegation_signed=signed if isinstance(signed, bool) else None,
        **dict(_events(document)),
    )


def _loaded(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotRdap("it is not JSON") from error
    if not isinstance(document, dict):
        raise NotRdap("it is not an object of JSON")
    return document


def _events(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for event in _many(document.get("events")):
        if isinstance(event, dict) and (name := _EVENTS.get(str(event.get("eventAction")))):
            moment = _moment(event.get("eventDate"))
            if moment is not None:
                yield name, moment


def _moment(value: Any) -> str | None:
    """Return a time in UTC; None if the value is not a time."""
    try:
        read = datetime.fromisoformat(value)
        read = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
    return read.replace(microsecond=0).isoformat().replace("+00:00", "Z")


def _name_of(entities: Iterable[Mapping[str, Any]], *roles: str) -> str | None:
    """Return the name of the entity with a role: the `org` of its card, else `fn` (jCard, RFC 7095)."""
    listed = list(entities)
    for role in roles:
        for entity in listed:
            if role in _many(entity.get("roles")) and (name := _name_in(entity.get("vcardArray"))):
                return name
    return None


def _name_in(card: Any) -> str | None:
    fields = card[1] if isinstance(card, list) and len(card) == 2 and isinstance(card[1], list) else []
    found: dict[str, str] = {}
    for field in fields:
        match field:
            case ["org" | "fn" as name, _, _, value, *_] if text := _text(value[0] if _many(value) else value):
                found.setdefault(str(name), text)
            case _:
                continue
    return found.get("org") or found.get("fn")


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(text for item in _many(value)[:_MAX_LISTED] if (text := _text(item)))


def _text(value: Any) -> str:
    """Return the value as one short line; empty if it is not a string."""
    if not isinstance(value, str):
        return ""
    plain = "".join(letter if letter.isprintable() else " " for letter in value[: 4 * _MAX_TEXT])
    return " ".join(plain.split())[:_MAX_TEXT]
