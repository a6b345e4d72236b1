"""The input parameters of RST as a JSON document: the TLDs with their name servers, DS records and the glue policy.

Source: icann/rst-test-specs v2026.05, inc/dns/inputs.yaml and inc/dnssec/inputs.yaml.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from gonemaster_engine import names
from gonemaster_engine.context import DSInfo
from gonemaster_engine.errors import DocumentError, InvalidDomain
from gonemaster_engine.profile.documents import Problems, brief, kind
from gonemaster_engine.rst.hostnames import is_host_name
from gonemaster_engine.rst.questions import count_queries
from gonemaster_engine.rst.tld import NameserverInput, Tld
from gonemaster_engine.spelling import meant
from gonemaster_engine.texts import Text

NAMESERVERS, DS_RECORDS, GLUE_POLICY = "dns.nameservers", "dnssec.dsRecords", "dns.gluePolicy"
NARROW, WIDE = "narrow", "wide"
OTHER_GROUPS = frozenset(
    {"dnssecOps", "epp", "general", "idn", "integration", "minimumRPMS", "rdap", "rde", "srsgw"}
)  # parameters of suites that are not rehearsed
MAX_TLDS = 20
MIN_SERVERS, MAX_SERVERS = 2, 32
MAX_ADDRESSES = 8  # of a name server, of each family
MAX_DS = 16
MAX_DIGEST_OCTETS = 64
MAX_QUERIES = 10_000  # of the consistency check of one TLD
MAX_OCTETS = 512 * 1024

_TLD = re.compile(r"(?=.*[a-z])[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_FLAGS = {"supportsDoT": "DoT", "supportsDoH": "DoH", "supportsDoQ": "DoQ"}
_LISTS = {"v4Addrs": 4, "v6Addrs": 6}
_T = TypeVar("_T")


class RstInputError(DocumentError):
    """The input parameters are invalid."""


@dataclass(frozen=True, slots=True)
class RstInput:
    """The validated input parameters."""

    tlds: tuple[Tld, ...]
    glue_policy: str
    ignored: tuple[str, ...] = ()  # parameters of other suites

    @property
    def is_wide(self) -> bool:
        """Whether the parent zone publishes glue for all name servers below it."""
        return self.glue_policy == WIDE

    def as_dict(self) -> dict[str, Any]:
        """Return the parameters in RST's form."""
        return {
            NAMESERVERS: [
                {"name": tld.name, "nameservers": [_server(each) for each in tld.servers]} for tld in self.tlds
            ],
            DS_RECORDS: [{"name": tld.name, "dsRecords": [_ds(each) for each in tld.ds]} for tld in self.tlds],
            GLUE_POLICY: self.glue_policy,
        }

    def of(self, tld: Tld) -> dict[str, Any]:
        """Return the parameters of one TLD in RST's form."""
        return RstInput((tld,), self.glue_policy).as_dict()


def parse_text(text: str | bytes) -> RstInput:
    """Return the input parameters in a JSON text.

    Raises:
      RstInputError: the text is not JSON or too large, or a parameter is invalid.
    """
    if len(text) > MAX_OCTETS:
        raise RstInputError("", Text("is larger than {limit} bytes", limit=MAX_OCTETS))
    try:
        document = json.loads(text, object_pairs_hook=_unique_keys)
        # A lone surrogate is JSON, but no terminal, file or report can show it: UnicodeEncodeError is a ValueError.
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise RstInputError("", Text("is not valid JSON: {problem}", problem=str(error))) from error
    return parse_input(document)


def parse_input(document: Any) -> RstInput:
    """Return the input parameters in a document.

    Raises:
      RstInputError: all problems, each with its place and what is allowed.
    """
    problems = Problems(RstInputError)
    if not isinstance(document, Mapping):
        raise RstInputError(
            "", Text("must be a JSON object with {names}, not {found}", names=_names(), found=kind(document))
        )
    ignored = _unknown_parameters(document, problems)
    policy = document.get(GLUE_POLICY, WIDE)
    if policy not in (NARROW, WIDE):
        problems.add(GLUE_POLICY, Text("must be narrow or wide, not {found}", found=brief(policy)))
    reader = _InputReader(problems)
    servers = reader.by_tld(document, NAMESERVERS, "nameservers", reader.servers)
    ds = reader.by_tld(document, DS_RECORDS, "dsRecords", reader.ds_records)
    _compare_tlds(servers, ds, problems)
    problems.raise_if_any()
    tlds = tuple(Tld(name, tuple(servers[name]), tuple(ds[name])) for name in servers)
    for number, tld in enumerate(tlds):
        _check_tld(tld, f"{NAMESERVERS}[{number}]", problems)
    problems.raise_if_any()
    return RstInput(tlds, policy, ignored)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        repeated = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise ValueError(f"the key {repeated[:60]!r} is there more than once")
    return found


def _names() -> str:
    return f"{NAMESERVERS}, {DS_RECORDS}, {GLUE_POLICY}"


def _unknown_parameters(document: Mapping[str, Any], problems: Problems) -> tuple[str, ...]:
    known = (NAMESERVERS, DS_RECORDS, GLUE_POLICY)
    others = [name for name in document if name not in known]
    for name in others:
        group, dot, _ = name.partition(".")
        if not dot or group not in OTHER_GROUPS:
            problems.add(
                name[:100],
                Text(
                    "is no input parameter; allowed are {names}, and parameters of other suites, such as epp.*{hint}",
                    names=_names(),
                    hint=meant(name, known),
                ),
            )
    return tuple(sorted(others))


class _InputReader:
    """Reads the lists of a document, and collects their problems."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems

    def by_tld(
        self, document: Mapping[str, Any], parameter: str, key: str, read: Callable[[Any, str], list[_T]]
    ) -> dict[str, list[_T]]:
        """Return the values of a parameter by TLD."""
        found: dict[str, list[_T]] = {}
        if parameter not in document:
            self._problems.add(parameter, Text("is missing"))
            return found
        for number, item in enumerate(self._list(document[parameter], parameter, 1, MAX_TLDS)):
            place = f"{parameter}[{number}]"
            if not self._has_keys(item, place, required={"name", key}):
                continue
            name = self._tld(item["name"], f"{place}.name")
            values = read(item[key], f"{place}.{key}")
            if name in found:
                self._problems.add(f"{place}.name", Text("the TLD {name} is there more than once", name=name))
            elif name:
                found[name] = values
        return found

    def servers(self, value: Any, place: str) -> list[NameserverInput]:
        """Return the name servers of a TLD."""
        found: dict[str, NameserverInput] = {}
        for number, item in enumerate(self._list(value, place, MIN_SERVERS, MAX_SERVERS)):
            at = f"{place}[{number}]"
            if not self._has_keys(item, at, required={"name"}, optional={*_LISTS, *_FLAGS}):
                continue
            name = self._host(item["name"], f"{at}.name")
            addresses = [
                address
                for key, version in _LISTS.items()
                if key in item
                for address in self._addresses(item[key], f"{at}.{key}", version)
            ]
            protocols = frozenset(
                protocol for key, protocol in _FLAGS.items() if self._flag(item.get(key, False), f"{at}.{key}")
            )
            if name in found:
                self._problems.add(f"{at}.name", Text("the name server {name} is there more than once", name=name))
            elif name:
                found[name] = NameserverInput(name, tuple(dict.fromkeys(addresses)), protocols)
        return list(found.values())

    def ds_records(self, value: Any, place: str) -> list[DSInfo]:
        """Return the DS records of a TLD."""
        found = []
        limits = {"keyTag": 0xFFFF, "alg": 0xFF, "digestType": 0xFF}
        for number, item in enumerate(self._list(value, place, 1, MAX_DS)):
            at = f"{place}[{number}]"
            if not self._has_keys(item, at, required={*limits, "digest"}):
                continue
            tag, algorithm, digest_type = (
                self._number(item[key], f"{at}.{key}", limit) for key, limit in limits.items()
            )
            digest = item["digest"]
            if not isinstance(digest, str) or not _HEX.fullmatch(digest) or len(digest) > 2 * MAX_DIGEST_OCTETS:
                self._problems.add(
                    f"{at}.digest",
                    Text(
                        "must be an even number of hexadecimal digits, at most {limit}, not {found}",
                        limit=2 * MAX_DIGEST_OCTETS,
                        found=brief(digest),
                    ),
                )
                continue
            found.append(DSInfo(tag, algorithm, digest_type, digest.upper()))
        return found

    def _list(self, value: Any, place: str, least: int, most: int) -> list[Any]:
        if not isinstance(value, list):
            self._problems.add(place, Text("must be a list, not {found}", found=kind(value)))
        elif not least <= len(value) <= most:
            self._problems.add(
                place,
                Text("must have {least} to {most} items, not {count}", least=least, most=most, count=len(value)),
            )
        else:
            return value
        return []

    def _has_keys(self, item: Any, place: str, *, required: Collection[str], optional: Collection[str] = ()) -> bool:
        if not isinstance(item, Mapping):
            self._problems.add(place, Text("must be an object, not {found}", found=kind(item)))
            return False
        allowed = sorted({*required, *optional})
        for key in sorted(set(required) - item.keys()):
            self._problems.add(f"{place}.{key}", Text("is missing"))
        for key in sorted(item.keys() - set(allowed)):
            self._problems.add(
                f"{place}.{key[:100]}", Text("is unknown; allowed are {allowed}", allowed=", ".join(allowed))
            )
        return set(required) <= item.keys()

    def _text(self, value: Any, place: str) -> str:
        if isinstance(value, str):
            return value
        self._problems.add(place, Text("must be a string, not {found}", found=kind(value)))
        return ""

    def _tld(self, value: Any, place: str) -> str:
        name = self._name(value, place)
        if name and not _TLD.fullmatch(name):
            self._problems.add(
                place,
                Text(
                    "must be a top-level domain, one label such as example or xn--p1ai, not {found}", found=brief(value)
                ),
            )
            return ""
        return name

    def _host(self, value: Any, place: str) -> str:
        name = self._name(value, place)
        if name and not is_host_name(name):
            self._problems.add(
                place,
                Text(
                    "must be a host name of letters, digits and hyphens with at least two labels, not {found}",
                    found=brief(value),
                ),
            )
            return ""
        return name

    def _name(self, value: Any, place: str) -> str:
        text = self._text(value, place)
        if not isinstance(value, str):
            return ""
        try:
            return names.normalize_domain(text)
        except InvalidDomain as error:
            self._problems.add(place, Text("is not a domain name: {reason}", reason=error.reason))
            return ""

    def _addresses(self, value: Any, place: str, version: int) -> list[str]:
        found = []
        for number, item in enumerate(self._list(value, place, 1, MAX_ADDRESSES)):
            try:
                address = names.canonical_address(item) if isinstance(item, str) else ""
            except ValueError:
                address = ""
            if not address or (":" in address) != (version == 6):
                self._problems.add(
                    f"{place}[{number}]",
                    Text("must be an IPv{version} address, not {found}", version=version, found=brief(item)),
                )
            else:
                found.append(address)
        return found

    def _number(self, value: Any, place: str, limit: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= limit:
            self._problems.add(
                place, Text("must be a whole number from 0 to {limit}, not {found}", limit=limit, found=brief(value))
            )
            return 0
        return value

    def _flag(self, value: Any, place: str) -> bool:
        if not isinstance(value, bool):
            self._problems.add(place, Text("must be true or false, not {found}", found=brief(value)))
            return False
        return value


def _compare_tlds(servers: Mapping[str, object], ds: Mapping[str, object], problems: Problems) -> None:
    """Report TLDs that only one of the parameters has; not if one of them is unreadable."""
    if not problems.found:
        for name in servers.keys() - ds.keys():
            problems.add(DS_RECORDS, Text("has no entry for the TLD {name} of {other}", name=name, other=NAMESERVERS))
        for name in ds.keys() - servers.keys():
            problems.add(NAMESERVERS, Text("has no entry for the TLD {name} of {other}", name=name, other=DS_RECORDS))


def _check_tld(tld: Tld, place: str, problems: Problems) -> None:
    for number, server in enumerate(tld.servers):
        at = f"{place}.nameservers[{number}]"
        if not server.addresses and tld.has_in_zone(server.name):
            problems.add(
                at, Text("needs v4Addrs or v6Addrs, because {name} is in {tld}", name=server.name, tld=tld.name)
            )
        elif not server.addresses and server.protocols:
            problems.add(at, Text("needs v4Addrs or v6Addrs, because it supports encrypted transports"))
    if not any(server.addresses for server in tld.servers):
        problems.add(f"{place}.nameservers", Text("must have at least one address"))
    if (count := count_queries(tld)) > MAX_QUERIES:
        problems.add(
            f"{place}.nameservers",
            Text(
                "need {count} queries for the consistency check; at most {limit} are allowed, so name fewer addresses",
                count=count,
                limit=MAX_QUERIES,
            ),
        )


def _server(server: NameserverInput) -> dict[str, Any]:
    document: dict[str, Any] = {"name": server.name}
    for key, version in _LISTS.items():
        if addresses := [each for each in server.addresses if (":" in each) == (version == 6)]:
            document[key] = addresses
    return document | {key: True for key, protocol in _FLAGS.items() if protocol in server.protocols}


def _ds(ds: DSInfo) -> dict[str, Any]:
    return {"keyTag": ds.keytag, "alg": ds.algorithm, "digestType": ds.digtype, "digest": ds.digest}
