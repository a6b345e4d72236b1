"""Entries of Zonemaster in the form of this engine: tags, test cases, levels and arguments.

Zonemaster packs lists into strings and uses other keys. An argument that this engine's tag does not have keeps its key,
so that nothing is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from gonemaster_engine.findings.tags import SERVER_KEYS, Tag
from gonemaster_engine.profile.zonemaster_tags import engine_tag

_WITHOUT_CASE = frozenset({"", "unspecified"})
_KEYS: Mapping[str, tuple[str, ...]] = {  # the keys of this engine that one of Zonemaster's can mean
    "ns_list": ("servers",),
    "ns_deleg_list": ("ns_set_servers",),
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
    "mxrdata_list": ("mx_rdata",),
    "domain": ("domain", "mx"),
}
_ADDRESSES_OF_NAME = {"ns_ip_list_glue": "parent_servers", "ns_ip_list_zone": "zone_servers"}  # the name is "nsname"
_Plan = list[tuple[str, Callable[[Any], Any] | None]]
_LISTS = {"addresses": ";", "asns": ",", "prefixes": ";", "mail_targets": ";", "mx_rdata": ";", "ptr_names": "/"}


class EntryReader:
    """The translation of the entries of one message tag of a test case. Readers are reused for many entries.

    `tag` is the declaration of the tag, None if this engine does not have it.
    """

    def __init__(self, module: str, testcase: str, name: str, tag: Tag | None) -> None:
        self.module, self.testcase, self.name, self._tag = module, testcase, name, tag
        self._plans: dict[tuple[str, ...], _Plan | None] = {}

    def args(self, args: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments of an entry with the keys and types of this engine's tag."""
        if self._tag is None or not args:
            return args
        keys = tuple(args)
        if keys not in self._plans:
            self._plans[keys] = _plan(self._tag, keys)
        plan = self._plans[keys]
        if plan is None:
            return read_args(self._tag, args)
        if not plan:
            return args
        pairs = zip(plan, args.values(), strict=True)
        return {target: value if convert is None else convert(value) for (target, convert), value in pairs}


def reader_of(module: str, testcase: str, tag: str, *, find_tag: Callable[[str, str], Tag | None]) -> EntryReader:
    """Return the reader of a message tag; `find_tag` returns the declaration of a tag by test case and name."""
    case_id = "" if testcase.lower() in _WITHOUT_CASE else testcase.lower()
    name = engine_tag(tag)
    return EntryReader(module.upper(), case_id, name, find_tag(case_id, name))


def _plan(tag: Tag, keys: tuple[str, ...]) -> _Plan | None:
    """Return target and conversion of each key: nothing if all stay, None if a target depends on several keys."""
    wanted = {*tag.keys, *tag.optional}
    if "ns" in keys and ("address" in wanted or "ns" not in wanted):
        return None
    if {"nsname", "ns_ip"} <= set(keys) and "servers" in wanted and "ns" not in wanted:
        return None
    if not _ADDRESSES_OF_NAME.keys().isdisjoint(keys):
        return None
    targets = [_target(key, wanted) for key in keys]
    if len(set(targets)) < len(targets):
        return None
    converted = SERVER_KEYS | _LISTS.keys()
    if tuple(targets) == keys and converted.isdisjoint(keys):
        return []
    return [(target, _converter(target) if target in converted else None) for target in targets]


def _target(key: str, wanted: set[str]) -> str:
    return next((name for name in (key, *_KEYS.get(key, ())) if name in wanted), key)


def read_args(tag: Tag, args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of an entry with the keys and types of a tag."""
    wanted = {*tag.keys, *tag.optional}
    given = dict(args)
    if {"nsname", "ns_ip"} <= given.keys() and "servers" in wanted and "ns" not in wanted:
        given["ns"] = f"{given.pop('nsname')}/{given.pop('ns_ip')}"
    found: dict[str, Any] = {}
    for key, value in given.items():
        if key in _ADDRESSES_OF_NAME:
            found[_ADDRESSES_OF_NAME[key]] = [
                {"ns": args.get("nsname", ""), "address": address} for address in str(value).split(";") if address
            ]
        elif key == "ns" and ("address" in wanted or "ns" not in wanted):
            found |= _server_args(wanted, str(value))
        else:
            target = _target(key, wanted)
            found[target] = _converted(target, value)
    return found


def _server_args(wanted: set[str], text: str) -> dict[str, Any]:
    """Return the arguments for a server that Zonemaster writes as name/address."""
    name, _, address = text.partition("/")
    if "ns" not in wanted:
        return {"servers": [_server(text)]} if "servers" in wanted else {"ns": text}
    return {"ns": name, "address": address} if address and "address" in wanted else {"ns": text}


def _converted(key: str, value: Any) -> Any:
    return _converter(key)(value) if key in SERVER_KEYS or key in _LISTS else value


@cache
def _converter(key: str) -> Callable[[Any], Any]:
    """Return the function that divides the text of a list; it returns any other value unchanged."""
    separator = _LISTS.get(key, ";")
    read: Callable[[str], Any] = _server if key in SERVER_KEYS else _number if key == "asns" else str

    def convert(value: Any) -> Any:
        return [read(item) for item in value.split(separator) if item] if isinstance(value, str) else value

    return convert


def _number(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def _server(text: str) -> Any:
    name, _, address = text.partition("/")
    if not name or text == "-":
        return "-"
    return {"ns": name, "address": address} if address else {"ns": name}
