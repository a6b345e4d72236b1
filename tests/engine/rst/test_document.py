"""Input parameters of RST: what is read, and errors that name the place and what is allowed."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from gonemaster_engine.context import DSInfo
from gonemaster_engine.rst.document import MAX_OCTETS, RstInputError, parse_input, parse_text

DIGEST = "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"
DOCUMENT: dict[str, Any] = {
    "dns.nameservers": [
        {
            "name": "example",
            "nameservers": [
                {
                    "name": "ns1.nic.example",
                    "v4Addrs": ["192.0.2.1"],
                    "v6Addrs": ["2001:DB8::53:1"],
                    "supportsDoT": True,
                },
                {"name": "NS2.example.net", "v4Addrs": ["192.0.2.2"], "supportsDoH": False},
            ],
        }
    ],
    "dnssec.dsRecords": [
        {"name": "example", "dsRecords": [{"keyTag": 12345, "alg": 8, "digestType": 2, "digest": DIGEST.lower()}]}
    ],
    "dns.gluePolicy": "narrow",
}


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """Return the document after a change."""
    document = deepcopy(DOCUMENT)
    change(document)
    return document


def server(document: dict[str, Any], number: int = 0) -> dict[str, Any]:
    """Return a name server of the document."""
    found: dict[str, Any] = document["dns.nameservers"][0]["nameservers"][number]
    return found


def ds(document: dict[str, Any]) -> dict[str, Any]:
    """Return the DS record of the document."""
    found: dict[str, Any] = document["dnssec.dsRecords"][0]["dsRecords"][0]
    return found


def test_document_is_read() -> None:
    inputs = parse_input(DOCUMENT)
    (tld,) = inputs.tlds
    assert [(each.name, each.addresses, each.protocols) for each in tld.servers] == [
        ("ns1.nic.example", ("192.0.2.1", "2001:db8::53:1"), frozenset({"DoT"})),
        ("ns2.example.net", ("192.0.2.2",), frozenset()),
    ]
    assert tld.ds == (DSInfo(12345, 8, 2, DIGEST),)
    assert not inputs.is_wide


def test_narrow_policy_gives_glue_in_the_tld_and_wide_policy_for_all() -> None:
    (tld,) = parse_input(DOCUMENT).tlds
    inside = [("ns1.nic.example", "192.0.2.1"), ("ns1.nic.example", "2001:db8::53:1")]
    assert tld.glue(wide=False) == [*inside, ("ns2.example.net", None)]
    assert tld.glue(wide=True) == [*inside, ("ns2.example.net", "192.0.2.2")]


def test_without_a_policy_the_given_addresses_are_used() -> None:
    assert parse_input(changed(lambda document: document.pop("dns.gluePolicy"))).is_wide


def test_parameters_of_other_suites_are_named_as_ignored() -> None:
    inputs = parse_input(DOCUMENT | {"epp.hostModel": "objects", "rdap.baseURLs": []})
    assert inputs.ignored == ("epp.hostModel", "rdap.baseURLs")


def test_written_form_is_read_as_the_same_parameters() -> None:
    inputs = parse_input(DOCUMENT)
    assert parse_input(inputs.as_dict()) == inputs


BAD: dict[str, tuple[Callable[[dict[str, Any]], object], str, str]] = {
    "unknown parameter": (lambda d: d.update({"dns.nameserver": []}), "dns.nameserver", "dns.nameservers"),
    "no name servers": (lambda d: d.pop("dns.nameservers"), "dns.nameservers", "is missing"),
    "no DS records": (lambda d: d.pop("dnssec.dsRecords"), "dnssec.dsRecords", "is missing"),
    "mapping in place of a list": (
        lambda d: d.update({"dnssec.dsRecords": {"example": []}}),
        "dnssec.dsRecords",
        "must be a list, not a mapping",
    ),
    "unknown policy": (lambda d: d.update({"dns.gluePolicy": "none"}), "dns.gluePolicy", "narrow or wide"),
    "second-level domain": (
        lambda d: d["dns.nameservers"][0].update(name="example.com"),
        "dns.nameservers[0].name",
        "one label",
    ),
    "number in place of a TLD": (
        lambda d: d["dns.nameservers"][0].update(name=7),
        "dns.nameservers[0].name",
        "must be a string",
    ),
    "invalid A-label": (
        lambda d: d["dns.nameservers"][0].update(name="xn--0"),
        "dns.nameservers[0].name",
        "internationalised",
    ),
    "TLD twice": (
        lambda d: d["dns.nameservers"].append(d["dns.nameservers"][0]),
        "dns.nameservers[1].name",
        "more than once",
    ),
    "TLD without DS records": (
        lambda d: d["dnssec.dsRecords"][0].update(name="other"),
        "dnssec.dsRecords",
        "no entry for the TLD example",
    ),
    "one name server": (
        lambda d: d["dns.nameservers"][0]["nameservers"].pop(),
        "dns.nameservers[0].nameservers",
        "2 to 32 items, not 1",
    ),
    "unknown key": (
        lambda d: server(d).update(supportsDot=True),
        "dns.nameservers[0].nameservers[0].supportsDot",
        "supportsDoT",
    ),
    "no name": (lambda d: server(d).pop("name"), "dns.nameservers[0].nameservers[0].name", "is missing"),
    "single label": (
        lambda d: server(d).update(name="ns1"),
        "dns.nameservers[0].nameservers[0].name",
        "at least two labels",
    ),
    "name server twice": (
        lambda d: server(d, 1).update(name="ns1.nic.example"),
        "dns.nameservers[0].nameservers[1].name",
        "more than once",
    ),
    "IPv6 among IPv4": (
        lambda d: server(d).update(v4Addrs=["2001:db8::1"]),
        "dns.nameservers[0].nameservers[0].v4Addrs[0]",
        "must be an IPv4 address",
    ),
    "no address": (
        lambda d: server(d).update(v6Addrs=[]),
        "dns.nameservers[0].nameservers[0].v6Addrs",
        "1 to 8 items",
    ),
    "server in the TLD without an address": (
        lambda d: [server(d).pop(key) for key in ("v4Addrs", "v6Addrs")],
        "dns.nameservers[0].nameservers[0]",
        "is in example",
    ),
    "flag as text": (
        lambda d: server(d).update(supportsDoT="yes"),
        "dns.nameservers[0].nameservers[0].supportsDoT",
        "true or false",
    ),
    "key tag too large": (
        lambda d: ds(d).update(keyTag=65536),
        "dnssec.dsRecords[0].dsRecords[0].keyTag",
        "from 0 to 65535",
    ),
    "algorithm is a boolean": (
        lambda d: ds(d).update(alg=True),
        "dnssec.dsRecords[0].dsRecords[0].alg",
        "whole number",
    ),
    "odd digest": (
        lambda d: ds(d).update(digest="ABC"),
        "dnssec.dsRecords[0].dsRecords[0].digest",
        "hexadecimal digits",
    ),
    "too many addresses": (
        lambda d: d["dns.nameservers"][0].update(nameservers=_many_servers()),
        "dns.nameservers[0].nameservers",
        "at most 10000 are allowed",
    ),
}


def _many_servers() -> list[dict[str, Any]]:
    flags = {"supportsDoT": True, "supportsDoH": True, "supportsDoQ": True}
    return [{"name": f"ns{i}.example", "v4Addrs": [f"192.0.{j}.{i}" for j in range(8)], **flags} for i in range(32)]


@pytest.mark.parametrize("name", BAD)
def test_error_names_the_place_and_what_is_allowed(name: str) -> None:
    change, place, allowed = BAD[name]
    with pytest.raises(RstInputError) as caught:
        parse_input(changed(change))
    assert [allowed in reason for path, reason in caught.value.problems if path == place] == [True]


def test_all_problems_are_named_together() -> None:
    document = changed(lambda d: [server(d).update(supportsDoT=1), ds(d).update(alg=-1)])
    with pytest.raises(RstInputError) as caught:
        parse_input(document)
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is not valid JSON"),
        ("[]", "must be a JSON object"),
        ("{", "is not valid JSON"),
        ("[" * 100_000, "is not valid JSON"),
        (json.dumps(DOCUMENT)[:-1] + ', "dns.gluePolicy": "wide"}', "is there more than once"),
        (" " * (MAX_OCTETS + 1), f"is larger than {MAX_OCTETS} bytes"),
    ],
)
def test_text_that_is_no_document_is_refused(text: str, reason: str) -> None:
    with pytest.raises(RstInputError, match=reason):
        parse_text(text)
