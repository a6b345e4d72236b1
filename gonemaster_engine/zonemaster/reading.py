"""Entries of Zonemaster in the form of this engine: tags, test cases, levels and arguments.

Zonemaster packs lists into strings and uses other keys. An argument that this engine's tag does not have keeps its key,
so that nothing is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.findings.tags import SERVER_KEYS, Tag
from gonemaster_engine.profile.zonemaster_tags import engine_tag

_WITHOUT_CASE = frozenset({"", "unspecified"})
_KEYS: Mapping[str, tuple[str, ...]] = {  # the keys of this engine that one of Zonemaster's can mean
    "ns_list": ("servers",),
    "servers": ("servers",),
    "nsname_list": ("ns_set_servers", "servers"),
    "parent_addresses": ("parent_servers",),
    "zone_addresses": ("zone_servers",),
    "ns_ip_list": ("addresses",),
    "ns_ip": ("address",),
    "ip": ("address",),
    "server": ("address",),
    "nsname": ("ns", "servers"),
    "rrtype": ("query_type",),
    "type": ("query_type",),
    "class": ("query_class",),
    "proto": ("protocol",),
    "name": ("query_name",),
    "names": ("ptr_names", "servers"),
    "asn": ("asns",),
    "asn_list": ("asns",),
    "prefix": ("prefixes",),
    "ip_prefix": ("prefixes",),
    "mailtarget_list": ("mail_targets",),
    "domain": ("domain", "mx"),
}
_LISTS = {"addresses": ";", "asns": ",", "prefixes": ";", "mail_targets": ";", "ptr_names": "/"}


def read_entry(
    timestamp: float,
    module: str,
    testcase: str,
    tag: str,
    level: Level,
    args: Mapping[str, Any],
    *,
    find_tag: Callable[[str, str], Tag | None],
) -> Entry:
    """Return the entry of this engine for an entry of Zonemaster.

    `find_tag` returns the declaration of a tag by test case and name.
    """
    case_id = testcase.lower()
    if case_id in _WITHOUT_CASE:
        case_id = ""
    name = engine_tag(tag)
    known = find_tag(case_id, name)
    values = dict(args) if known is None else read_args(known, args)
    return Entry(timestamp, module.upper(), case_id, name, level, values)


def read_args(tag: Tag, args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of an entry with the keys and types of this engine's tag."""
    wanted = {*tag.keys, *tag.optional}
    given = dict(args)
    if {"nsname", "ns_ip"} <= given.keys() and "servers" in wanted and "ns" not in wanted:
        given["ns"] = f"{given.pop('nsname')}/{given.pop('ns_ip')}"
    found: dict[str, Any] = {}
    for key, value in given.items():
        if key == "ns" and ("address" in wanted or "ns" not in wanted):
            found |= _server_args(wanted, str(value))
        else:
            target = next((name for name in (key, *_KEYS.get(key, ())) if name in wanted), key)
            found[target] = _converted(target, value)
    first = {key: found[key] for key in tag.keys if key in found}
    return first | found


def _server_args(wanted: set[str], text: str) -> dict[str, Any]:
    """Return the arguments for a server that Zonemaster writes as name/address."""
    name, _, address = text.partition("/")
    if "ns" not in wanted:
        return {"servers": [_server(text)]} if "servers" in wanted else {"ns": text}
    return {"ns": name, "address": address} if address and "address" in wanted else {"ns": text}


def _converted(key: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if key in SERVER_KEYS:
        return [_server(item) for item in _items(value, ";")]
    if key in _LISTS:
        items = _items(value, _LISTS[key])
        return [int(item) if item.isdigit() else item for item in items] if key == "asns" else items
    return value


def _items(text: str, separator: str) -> list[str]:
    return [item for item in text.split(separator) if item]


def _server(text: str) -> Any:
    name, _, address = text.partition("/")
    if not name or text == "-":
        return "-"
    return {"ns": name, "address": address} if address else {"ns": name}
