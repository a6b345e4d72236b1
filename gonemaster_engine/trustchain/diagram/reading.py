"""Parsing of a chain document into values of known type and size; invalid parts are ignored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from gonemaster_engine.findings.messages.formatting import printable

_MAX_CHARACTERS = 255
_MAX_RECORDS = 512  # items of a list; the engine writes at most 32
_MAX_ZONES = 130  # a name has at most 127 labels


Signer: TypeAlias = tuple[int, int]
"""Key tag and algorithm, which signatures and DS records use to name a key; several keys can share them."""


@dataclass(frozen=True, slots=True)
class DsView:
    """A DS record, and the result of matching it with the keys of the zone."""

    key_tag: int
    algorithm: int
    digest_type: int
    digest_type_name: str
    digest: str
    servers: tuple[str, ...]
    verdict: str = ""
    signs: bool = False

    @property
    def of(self) -> Signer:
        """The key that the record names."""
        return self.key_tag, self.algorithm


@dataclass(frozen=True, slots=True)
class Key:
    """A DNSKEY record."""

    key_tag: int
    algorithm: int
    algorithm_name: str
    flags: int
    size: int | None
    zone_key: bool
    sep: bool
    revoked: bool
    servers: tuple[str, ...]

    @property
    def name(self) -> Signer:
        """The name that signatures and DS records use."""
        return self.key_tag, self.algorithm


@dataclass(frozen=True, slots=True)
class Signature:
    """An RRSIG record and its verdict; times are None if the document has no valid time."""

    covers: str
    key_tag: int
    algorithm: int
    inception: datetime | None
    expiration: datetime | None
    verdict: str
    servers: tuple[str, ...]

    @property
    def by(self) -> Signer:
        """The key that created the signature."""
        return self.key_tag, self.algorithm


@dataclass(frozen=True, slots=True)
class ZoneView:
    """A zone of the chain. `matched` are the keys that DS records match, `signers` those that sign the DNSKEY RRset."""

    name: str
    status: str
    reasons: tuple[str, ...]
    ds: tuple[DsView, ...]
    ds_signatures: tuple[Signature, ...]
    keys: tuple[Key, ...]
    signatures: tuple[Signature, ...]
    matched: frozenset[Signer]
    signers: frozenset[Signer]


@dataclass(frozen=True, slots=True)
class ServerView:
    """The status of one name server."""

    nameserver: str
    address: str
    status: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Name:
    """The validation status of the addresses of an in-domain name server."""

    name: str
    status: str
    servers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChainView:
    """A whole document. The last of the cuts is the tested zone."""

    zone: str
    status: str
    supplied: bool
    checked_at: datetime | None
    truncated: bool
    cuts: tuple[ZoneView, ...]
    names: tuple[Name, ...]
    parent_servers: tuple[ServerView, ...]
    child_servers: tuple[ServerView, ...]


def read(document: Mapping[str, Any]) -> ChainView:
    """Parse a document as in docs/reference/dnssec-chain.md; invalid contents never raise an exception."""
    links = [_link(item) for item in _items(document.get("links"), maximum=_MAX_RECORDS * 4)]
    zone, supplied = _text(document.get("zone")), document.get("delegation") == "undelegated"
    return ChainView(
        zone=zone,
        status=_text(document.get("status")),
        supplied=supplied,
        checked_at=_instant(document.get("checked_at")),
        truncated=document.get("truncated") is True,
        cuts=tuple(
            _cut(item, links, supplied=supplied and item.get("zone") == zone)
            for item in _items(document.get("zones"), maximum=_MAX_ZONES)
        ),
        names=tuple(_name(item) for item in _items(document.get("ns_names"))),
        parent_servers=_servers_of(document.get("parent")),
        child_servers=_servers_of(document.get("child")),
    )


@dataclass(frozen=True, slots=True)
class _KeyLink:
    zone: str
    key_tag: int
    algorithm: int
    digest_type: int
    verdict: str
    signs: bool


def _link(item: Mapping[str, Any]) -> _KeyLink:
    return _KeyLink(
        _text(item.get("zone")),
        _number(item.get("key_tag")),
        _number(item.get("algorithm")),
        _number(item.get("digest_type")),
        _text(item.get("verdict")),
        item.get("signs") is True,
    )


def _cut(item: Mapping[str, Any], links: Sequence[_KeyLink], *, supplied: bool) -> ZoneView:
    name = _text(item.get("zone"))
    zone_links = [link for link in links if link.zone == name]  # in the order of the DS records
    ds = tuple(_ds(each, zone_links) for each in _items(item.get("ds")))
    signatures = _signatures(item.get("signatures"))
    reasons = _texts(item.get("reasons"))
    return ZoneView(
        name=name,
        status=_text(item.get("status")),
        # No parent zone was asked in an undelegated test, so nothing is proven.
        reasons=tuple("ds_not_supplied" if supplied and code == "ds_missing" else code for code in reasons),
        ds=ds,
        ds_signatures=_signatures(item.get("ds_signatures")),
        keys=tuple(_key(each) for each in _items(item.get("keys"))),
        signatures=signatures,
        matched=frozenset(each.of for each in ds if each.verdict == "match"),
        signers=frozenset(each.by for each in signatures if each.covers == "DNSKEY"),
    )


def _ds(item: Mapping[str, Any], links: list[_KeyLink]) -> DsView:
    tag, algorithm, digest_type = (_number(item.get(key)) for key in ("key_tag", "algorithm", "digest_type"))
    ds_key = (tag, algorithm, digest_type)
    link = next((each for each in links if (each.key_tag, each.algorithm, each.digest_type) == ds_key), None)
    if link:
        links.remove(link)
    return DsView(
        tag,
        algorithm,
        digest_type,
        _text(item.get("digest_type_name")),
        _text(item.get("digest")),
        _texts(item.get("servers")),
        link.verdict if link else "",
        link.signs if link else False,
    )


def _key(item: Mapping[str, Any]) -> Key:
    size = item.get("size")
    return Key(
        _number(item.get("key_tag")),
        _number(item.get("algorithm")),
        _text(item.get("algorithm_name")),
        _number(item.get("flags")),
        _number(size) if size is not None else None,
        item.get("zone_key") is not False,
        item.get("sep") is True,
        item.get("revoked") is True,
        _texts(item.get("servers")),
    )


def _signatures(value: object) -> tuple[Signature, ...]:
    return tuple(
        Signature(
            _text(item.get("covers")),
            _number(item.get("key_tag")),
            _number(item.get("algorithm")),
            _instant(item.get("inception")),
            _instant(item.get("expiration")),
            _text(item.get("verdict")),
            _texts(item.get("servers")),
        )
        for item in _items(value)
    )


def _servers_of(side: object) -> tuple[ServerView, ...]:
    listed = side.get("servers") if isinstance(side, Mapping) else None
    return tuple(
        ServerView(
            _text(item.get("nameserver")),
            _text(item.get("address")),
            _text(item.get("status")),
            _texts(item.get("reasons")),
        )
        for item in _items(listed)
    )


def _name(item: Mapping[str, Any]) -> Name:
    return Name(_text(item.get("name")), _text(item.get("status")), _texts(item.get("servers")))


def _items(value: object, *, maximum: int = _MAX_RECORDS) -> list[Mapping[str, Any]]:
    return [item for item in value[:maximum] if isinstance(item, Mapping)] if isinstance(value, list | tuple) else []


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(_text, value[:_MAX_RECORDS])) if isinstance(value, list | tuple) else ()


def _text(value: object) -> str:
    return printable(value[:_MAX_CHARACTERS]) if isinstance(value, str) else ""


def _number(value: object) -> int:
    """Return a 16-bit number, or 0 for any other value."""
    return value if type(value) is int and 0 <= value <= 0xFFFF else 0


def _instant(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
