"""Entries in Zonemaster's format, with its older tags and arguments packed into strings, for comparable output.

The table in data/zonemaster-names.json lists the older argument keys per test case and tag, if they differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gonemaster_engine.entries import Entry
from gonemaster_engine.findings.tags import SUPPLIED
from gonemaster_engine.profile.zonemaster_tags import table

Args = Mapping[str, Any]


_SERVER_LISTS = {
    "ns_list": "servers",
    "ns_deleg_list": "ns_set_servers",
    "servers": "servers",
    "parent_addresses": "parent_servers",
    "zone_addresses": "zone_servers",
}
_RENAMED = {
    "ns_ip": "address",
    "ip": "address",
    "server": "address",
    "nsname": "ns",
    "rrtype": "query_type",
    "type": "query_type",
    "class": "query_class",
    "proto": "protocol",
    "name": "query_name",
}
_NAMES_SEPARATORS = {"nameserver06": ","}


def zonemaster_tag(tag: str) -> str:
    """Return the tag that Zonemaster uses; most are the same."""
    renamed: str = table()["tags"].get(tag, tag)
    return renamed


def zonemaster_entries(entry: Entry) -> Iterator[Entry]:
    """Yield the entry as Zonemaster would log it: once, or once per server if Zonemaster logs single servers."""
    keys = table()["args"].get(entry.testcase, {}).get(entry.tag)
    tag = zonemaster_tag(entry.tag)
    if keys is None:
        yield entry._replace(tag=tag, args={key: _packed(value) for key, value in entry.args.items()})
        return
    for args in _split(keys, entry.args):
        yield entry._replace(tag=tag, args=zonemaster_args(keys, args, testcase=entry.testcase))


def entries_per_server(entry: Entry) -> Iterator[Entry]:
    """Yield the entry with this engine's tag and arguments as often as Zonemaster would log it."""
    keys = table()["args"].get(entry.testcase, {}).get(entry.tag, [])
    if not _is_per_server(keys, entry.args) or not entry.args["servers"]:
        yield entry
        return
    for server in entry.args["servers"]:
        yield entry._replace(args={**entry.args, "servers": [server]})


def zonemaster_args(keys: list[str], args: Args, *, testcase: str = "") -> dict[str, Any]:
    """Return the arguments with the older keys; keys without a counterpart in `args` are omitted."""
    found = {key: _value(key, args, testcase) for key in keys}
    return {key: value for key, value in found.items() if value is not None}


def _split(keys: list[str], args: Args) -> Iterator[Args]:
    """Yield the arguments once per server, if the older format has one entry per server."""
    if not _is_per_server(keys, args):
        yield args
        return
    for server in args["servers"]:
        named = {"ns": server} if isinstance(server, str) else server
        yield {"domain": named["ns"], **args, **named}


def _is_per_server(keys: list[str], args: Args) -> bool:
    one_each = "ns" not in args and ("ns" in keys or (keys == ["domain"] and "domain" not in args))
    return one_each and args.get("servers") is not None


def _value(key: str, args: Args, testcase: str) -> Any:
    if key in _SPECIAL:
        return _SPECIAL[key](args, testcase)
    if key in _SERVER_LISTS:
        return _servers(args.get(_SERVER_LISTS[key]))
    return _packed(args.get(key if key in args else _RENAMED.get(key, key)))


def _ns(args: Args, _: str) -> str | None:
    if "ns" not in args:
        return None
    return f"{args['ns']}/{args['address']}" if args.get("address") else str(args["ns"])


def _name_list(args: Args, testcase: str) -> str | None:
    servers = args.get("ns_set_servers", args.get("servers"))
    if servers is None:
        return None
    return _NAMES_SEPARATORS.get(testcase, ";").join(dict.fromkeys(map(_server_name, servers)))


def _names(args: Args, testcase: str) -> str | None:
    if "ptr_names" in args:
        return "/".join(args["ptr_names"])
    if testcase == "nameserver04":  # this case uses the key for addresses, too
        return ",".join(map(_server, args["servers"]))
    return _name_list(args, testcase)


def _domain(args: Args, testcase: str) -> Any:
    """Return the domain; for an invalid mail exchange, return the exchange, including the root of a null MX."""
    return args["mx"] if testcase == "syntax06" and "mx" in args else _packed(args.get("domain"))


def _address_list(args: Args, _: str) -> str | None:
    if "addresses" in args:
        return ";".join(args["addresses"])
    servers = args.get("servers")
    if servers is None:
        return None
    return ";".join(dict.fromkeys(server["address"] for server in servers if server != SUPPLIED))


def _addresses_of(servers: list[Any] | None) -> str | None:
    return None if servers is None else ";".join(server["address"] for server in servers)


def _as_numbers(args: Args, _: str) -> str | None:
    return ",".join(map(str, args["asns"])) if "asns" in args else None


def _prefixes(args: Args, _: str) -> str | None:
    return ";".join(args["prefixes"]) if "prefixes" in args else None


def _mail_targets(args: Args, _: str) -> str | None:
    return ";".join(args["mail_targets"]) if "mail_targets" in args else None


_SPECIAL: Mapping[str, Callable[[Args, str], Any]] = {
    "domain": _domain,
    "ns": _ns,
    "nsname_list": _name_list,
    "names": _names,
    "ns_ip_list": _address_list,
    "ns_ip_list_glue": lambda args, _: _addresses_of(args.get("parent_servers")),
    "ns_ip_list_zone": lambda args, _: _addresses_of(args.get("zone_servers")),
    "asn": _as_numbers,
    "asn_list": _as_numbers,
    "prefix": _prefixes,
    "ip_prefix": _prefixes,
    "mailtarget_list": _mail_targets,
}


def _servers(servers: list[Any] | None) -> str | None:
    return None if servers is None else ";".join(map(_server, servers))


def _server(server: Any) -> str:
    if isinstance(server, str):
        return server
    return f"{server['ns']}/{server['address']}" if server.get("address") else str(server["ns"])


def _server_name(server: Any) -> str:
    return server if isinstance(server, str) else str(server["ns"])


def _packed(value: Any) -> Any:
    """Return a value without lists and mappings, which the older format does not have."""
    if isinstance(value, list):
        return ";".join(str(_packed(item)) for item in value)
    return _server(value) if isinstance(value, Mapping) and "ns" in value else value
