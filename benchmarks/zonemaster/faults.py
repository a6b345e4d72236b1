"""Reproduce the faults of Zonemaster-Engine 8.1.0 in docs/explanation/zonemaster-differences.md with zonemaster-cli.

Run it in a separate network namespace, as Zonemaster only queries port 53 (see README.md in the parent directory about
PREFIX):

    unshare -rn sh -c 'ip link set lo up && exec python -m benchmarks.zonemaster.faults PREFIX'

For each fault a small DNS is served on loopback addresses. The output has the command, its lines about the tags in
question, and the lines of this engine with the same options. `--only NAME` selects one fault; `--serve NAME` serves its
DNS until Ctrl-C, for a terminal in the same namespace. Exit code 1: the output of Zonemaster differs from the listed
output, or that of this engine from the expected output.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from gonemaster_engine.findings import messages
from gonemaster_engine.profile.profile import default_profile
from gonemaster_engine.resources import Resources
from gonemaster_engine.run.run import run_test
from gonemaster_engine.zonemaster.names import zonemaster_entries
from tests.support.dnsworld import Exchange, Nsec3, Signing, World, delegation, faults
from tests.support.dnsworld.signing import ds_texts

ZONE: Final = "example.xa"
HEALTHY: Final = {"ns1.example.xa": "127.21.1.53", "ns2.example.xa": "127.22.1.53"}
DUAL: Final = {"ns1.example.xa": ("127.21.1.53", "::1"), "ns2.example.xa": "127.22.1.53"}
IPV6: Final = tuple(f"fd53:{number}::53" for number in range(1, 7))
DNS_PORT: Final = 53  # the only port that Zonemaster queries
PROGRAM_LIMIT_S: Final = 300


@dataclass(frozen=True)
class Fault:
    """A fault of Zonemaster: what to serve and to run, the correct output, and the output of Zonemaster 8.1.0."""

    name: str
    build: Callable[[World], None]
    test: str  # test case or module; empty: all
    tags: str  # regular expression for the tags in question
    expected: str  # regular expression for the lines about them, "" for no lines
    seen: str
    options: tuple[str, ...] = ()
    is_raw: bool = True  # tags and arguments instead of sentences
    addresses: tuple[str, ...] = field(default=())  # addresses that must be added to the loopback interface first


def _zone(world: World, *, ns: dict[str, Any] | None = None, **fields: Any) -> None:
    world.zone("xa", ns={"ns1.nic.xa": "127.11.1.53", "ns2.nic.xa": "127.12.1.53"}, signed=True)
    world.zone(".", ns={"a.root-servers.net": "127.0.0.53", "b.root-servers.net": "127.0.1.53"}, signed=True)
    world.zone(ZONE, ns=HEALTHY if ns is None else ns, **fields)


def _second_address(fault: faults.Fault) -> Callable[[World], None]:
    """Add a fault to the second address of a name server."""

    def build(world: World) -> None:
        _zone(world, ns={"ns1.example.xa": ("127.21.1.53", "127.23.1.53"), "ns2.example.xa": "127.22.1.53"})
        world.server("127.23.1.53").fault(fault, qname=ZONE)

    return build


def _is_version_1(exchange: Exchange) -> bool:
    return exchange.query is not None and exchange.query.edns == 1


def _servfail_to_version_1(world: World) -> None:
    _zone(world)
    for address in HEALTHY.values():
        world.server(address).fault(faults.rcode("SERVFAIL"), when=_is_version_1)


def _version_ignored(world: World) -> None:
    _zone(world)
    for address in HEALTHY.values():
        world.server(address).fault(faults.edns(), when=_is_version_1)


def _without_opt(world: World) -> None:
    _zone(world)
    for address in HEALTHY.values():
        world.server(address).fault(faults.without_edns(), edns=True)


def _other_glue(world: World) -> None:
    _zone(world, delegation=delegation(ns={"ns1.example.xa": "127.24.1.53", "ns2.example.xa": "127.22.1.53"}))
    world.zone_of(ZONE).on("127.24.1.53")


def _salt(world: World) -> None:
    _zone(world, signed=Signing(nsec3=Nsec3(salt="abcd")))


def _signed(world: World) -> None:
    _zone(world, signed=True)


def _z_bits(world: World) -> None:
    _zone(world)
    for address in HEALTHY.values():
        world.server(address).fault(_echo_z, edns=True)


def _echo_z(reply: faults.Reply) -> faults.Reply:
    query = reply.exchange.query
    if query is not None and query.edns == 0:
        for message in reply.messages:
            message.ednsflags |= query.ednsflags & 0x7FFF
    return reply


def _mail_server_alias(world: World) -> None:
    _zone(world, records="@ MX 10 mail\nmail CNAME host\nhost A 192.0.2.1\nhost AAAA 2001:db8::1")


def _mail_server_localhost(world: World) -> None:
    _zone(world, records="@ MX 10 mail\nmail A 127.0.0.1")


def _dual(world: World) -> None:
    _zone(world, ns=DUAL)


def _ipv6(world: World) -> None:
    """Give every zone name servers with both kinds of addresses."""
    at = iter(IPV6)
    for origin, fields in {".": {}, "xa": {}, ZONE: {"soa": "ns1 hostmaster 1 14400 3600 1209600 3600"}}.items():
        below = "" if origin == "." else f".{origin}"
        world.zone(origin, ns={f"ns{i}{below}": (f"127.{30 + len(below)}.{i}.53", next(at)) for i in (1, 2)}, **fields)


def _serials(world: World) -> None:
    _zone(world, serial=999)
    world.zone_of(ZONE).on("127.22.1.53", serial=100_000)


def _unsigned_copy_with_cds(world: World) -> None:
    _zone(world, signed=Signing(publish_cds=True))
    world.zone_of(ZONE).on("127.22.1.53", signed=False, records=f"@ CDS 4711 13 2 {'ab' * 32}")


def _no_transfer(world: World) -> None:
    _zone(world)
    for address in HEALTHY.values():
        world.server(address).fault(faults.on_message(_address_instead), qtype="AXFR")


def _address_instead(message: dns.message.Message) -> dns.message.Message:
    message.set_rcode(dns.rcode.NOERROR)
    message.answer = [dns.rrset.from_text(message.question[0].name, 3600, "IN", "A", "127.77.0.1")]
    return message


def _no_response(world: World) -> None:
    _zone(world)
    world.server("127.22.1.53").set(udp=False)


def _two_rnames(world: World) -> None:
    _zone(world, records="@ MX 10 mail\nmail A 192.0.2.1", soa="ns1 one 1 14400 3600 1209600 3600")
    world.zone_of(ZONE).on("127.22.1.53", soa="ns1 two 1 14400 3600 1209600 3600")


def _only_one_delegated(world: World) -> None:
    _zone(world, delegation=delegation(ns={"ns1.example.xa": "127.21.1.53"}))
    world.zone_of(ZONE).on("127.22.1.53", apex_ns=["ns1.example.xa", "ns2.example.xa", "gone.example.xa"])


def _mx_without_aa(world: World) -> None:
    _zone(world, records="@ MX 10 mail\nmail A 192.0.2.1")
    world.server("127.22.1.53").fault(faults.no_aa(), qtype="MX")


def _shared_address(world: World) -> None:
    _zone(
        world,
        ns={"ns1.example.xa": "127.21.1.53", "ns2.example.xa": "127.21.1.53"},
        signed=Signing(nsec3=Nsec3(salt="abcd")),
    )


def _other_source(world: World) -> None:
    _zone(world)
    world.server("127.22.1.53").fault(faults.from_address("127.25.1.53"), transport="udp")


def _wrong_digest(world: World) -> None:
    signing = Signing(publish_cds=True)
    key_tag = ds_texts(dns.name.from_text(ZONE), signing)[0].split()[0]
    _zone(world, signed=signing, delegation=delegation(ds=(f"{key_tag} 13 2 {'ab' * 32}",)))


FAULTS: Final = (
    Fault(
        "delegation04",
        _second_address(faults.rcode("REFUSED")),
        "delegation04",
        "IS_NOT_AUTHORITATIVE|ARE_AUTHORITATIVE",
        expected="IS_NOT_AUTHORITATIVE.*127.23.1.53",
        seen="ARE_AUTHORITATIVE",
    ),
    Fault(
        "delegation06",
        _second_address(faults.empty_answer()),
        "delegation06",
        "SOA_(NOT_)?EXISTS",
        expected="SOA_NOT_EXISTS.*127.23.1.53",
        seen="SOA_EXISTS",
    ),
    Fault(
        "nameserver10-rcode",
        _servfail_to_version_1,
        "nameserver10",
        "N10_.*",
        expected="N10_UNEXPECTED_RCODE.*rcode=SERVFAIL",
        seen="N10_UNEXPECTED_RCODE.*rcode=NOERROR",
    ),
    Fault(
        "nameserver10-noerror",
        _version_ignored,
        "nameserver10",
        "N10_.*",
        expected="N10_UNEXPECTED_RCODE.*rcode=NOERROR",
        seen="N10_EDNS_RESPONSE_ERROR",
    ),
    Fault(
        "nameserver02",
        _without_opt,
        "nameserver02",
        "EDNS.*",
        expected="EDNS_RESPONSE_WITHOUT_EDNS",
        seen="EDNS0_SUPPORT",
    ),
    Fault("nameserver12", _without_opt, "nameserver12", "NS_ERROR", expected="NS_ERROR", seen=""),
    Fault("nameserver13", _without_opt, "nameserver13", "NS_ERROR", expected="NS_ERROR", seen=""),
    Fault(
        "method4",
        _other_glue,
        "nameserver03",
        "AXFR_FAILURE",
        expected="ns1.example.xa/127.21.1.53.*ns1.example.xa/127.24.1.53",
        seen="^(?!.*127.24.1.53).*ns1.example.xa/127.21.1.53",
    ),
    Fault(
        "method3",
        _only_one_delegated,
        "delegation07",
        "EXTRA_NAME_CHILD",
        expected="extra=ns2.example.xa$",
        seen="extra=gone.example.xa;ns2.example.xa",
    ),
    Fault(
        "dnssec03",
        _salt,
        "dnssec03",
        "DS03_ILLEGAL_SALT_LENGTH",
        expected="int=2",
        seen="int=4",
    ),
    Fault(
        "dnssec14", _signed, "dnssec14", "KEY_SIZE_OK", expected="KEY_SIZE_OK", seen="", options=("--level", "DEBUG")
    ),
    Fault(
        "dnssec01",
        _signed,
        "dnssec01",
        "DS01_DS_ALGO_OK|[A-Z]+:[A-Z0-9]+:DS01_DS_ALGO_OK",
        expected="INFO The DS record with key tag",
        seen="DNSSEC:DNSSEC01:DS01_DS_ALGO_OK ds_algo_descr=",
        is_raw=False,
    ),
    Fault(
        "profile-z",
        _z_bits,
        "nameserver12",
        "Z_FLAGS_NOTCLEAR",
        expected="WARNING",
        seen="DEBUG",
        options=("--level", "DEBUG"),
    ),
    Fault(
        "profile-alias",
        _mail_server_alias,
        "syntax06",
        "RNAME_MAIL_ILLEGAL_CNAME",
        expected="WARNING",
        seen="DEBUG",
        options=("--level", "DEBUG"),
    ),
    Fault(
        "profile-localhost",
        _mail_server_localhost,
        "syntax06",
        "RNAME_MAIL_DOMAIN_LOCALHOST",
        expected="WARNING",
        seen="DEBUG",
        options=("--level", "DEBUG"),
    ),
    Fault(
        "zone05",
        _dual,
        "zone05",
        "EXPIRE_MINIMUM_VALUE_OK",
        expected="EXPIRE_MINIMUM_VALUE_OK",
        seen="",
        options=("--no-ipv6", "--level", "DEBUG"),
    ),
    Fault("zone10", _dual, "zone10", "ONE_SOA", expected="ONE_SOA", seen="", options=("--no-ipv6",)),
    Fault(
        "consistency01",
        _serials,
        "consistency01",
        "SOA_SERIAL_VARIATION",
        expected="SOA_SERIAL_VARIATION",
        seen="",
    ),
    Fault(
        "zone07",
        _ipv6,
        "",
        "MNAME_HAS_NO_ADDRESS",
        expected="",
        seen="MNAME_HAS_NO_ADDRESS",
        options=("--no-ipv4",),
        addresses=IPV6,
    ),
    Fault(
        "dnssec18",
        _unsigned_copy_with_cds,
        "dnssec18",
        "DS18_.*|MODULE_ERROR",
        expected="DS18_",
        seen="MODULE_ERROR.*undefined value as an ARRAY",
    ),
    Fault("nameserver03", _no_transfer, "nameserver03", "AXFR_.*", expected="AXFR_FAILURE", seen=""),
    Fault(
        "nameserver04",
        _no_response,
        "nameserver04",
        "SAME_SOURCE_IP",
        expected="names=ns1.example.xa/127.21.1.53$",
        seen="ns2.example.xa/127.22.1.53",  # the order of names is random
    ),
    Fault(
        "syntax06",
        _two_rnames,
        "syntax06",
        "RNAME_RFC822_VALID",
        expected="one@example.xa.*two@example.xa",
        seen="one@example.xa(?!.*two@)",
    ),
    Fault(
        "zone09",
        _mx_without_aa,
        "zone09",
        "Z09_NON_AUTH_MX_RESPONSE",
        expected="127.22.1.53",
        seen="ns_ip_list=$",
    ),
    Fault(
        "dnssec03-names",
        _shared_address,
        "dnssec03",
        "DS03_ILLEGAL_SALT_LENGTH",
        expected="ns1.example.xa/127.21.1.53;ns2.example.xa/127.21.1.53",
        seen="ns_list=ns[12].example.xa/127.21.1.53$",
    ),
    Fault(
        "dnssec18-digest",
        _wrong_digest,
        "dnssec18",
        "DS18_NO_MATCH_CDS_RRSIG_DS",
        expected="127.21.1.53;127.22.1.53",
        seen="",
    ),
    Fault(
        "nameserver04-source",
        _other_source,
        "nameserver04",
        "(SAME|DIFFERENT)_SOURCE_IP",
        expected="DIFFERENT_SOURCE_IP.*source=127.25.1.53",
        seen="SAME_SOURCE_IP.*ns2.example.xa/127.22.1.53|SAME_SOURCE_IP.*ns1.*",
    ),
)


def command(fault: Fault, *, hints: str, program: str = "zonemaster-cli") -> list[str]:
    """Return the command that shows the fault."""
    level = [] if "--level" in fault.options else ["--level", "INFO"]
    test = ["--test", fault.test] if fault.test else []
    raw = ["--raw"] if fault.is_raw else []
    return [program, "--hints", hints, "--no-progress", "--no-time", *raw, *level, *fault.options, *test, ZONE]


def by_zonemaster(fault: Fault, *, hints: Path, prefix: Path) -> list[str]:
    """Run zonemaster-cli and return its lines about the tags in question."""
    path = f"{prefix / 'lib' / 'perl5'}:{os.environ.get('PERL5LIB', '')}".rstrip(":")
    output = subprocess.run(
        command(fault, hints=str(hints), program=str(prefix / "bin" / "zonemaster-cli")),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=PROGRAM_LIMIT_S,
        env={**os.environ, "PERL5LIB": path, "LC_ALL": "C.UTF-8"},
    ).stdout
    lines = [" ".join(line.split()) for line in output.splitlines()]
    return [line for line in lines if re.search(rf"(?:^|[ :])(?:{fault.tags})(?: |$)", line)]


def by_this_engine(fault: Fault, world: World, *, hints: Path) -> list[str]:
    """Run the same test with this engine and return its lines about the tags in question, in Zonemaster's terms."""
    net = {"ipv4": "--no-ipv4" not in fault.options, "ipv6": "--no-ipv6" not in fault.options}
    profile = default_profile().merge({"net": {**net, "allow_non_global_targets": True}})

    async def whole() -> list[str]:
        resources = Resources.open(root_hints=hints, dns_port=world.port)
        try:
            result = await run_test(ZONE, profile, resources=resources, tests=[fault.test] if fault.test else ())
        finally:
            await resources.close()
        worded = [each for entry in result.entries for each in zonemaster_entries(entry)]
        if not fault.is_raw:
            return [
                f"{entry.level.name} {messages.message(entry.tag, entry.module, entry.args)}"
                for entry in result.entries
                if re.search(fault.tags, entry.tag)
            ]
        return [
            " ".join(f"{each.level.name} {each.tag} {_arguments(each.args)}".split())
            for each in worded
            if re.fullmatch(fault.tags, each.tag)
        ]

    return asyncio.run(whole())


def _arguments(args: Mapping[str, Any]) -> str:
    return "; ".join(f"{key}={args[key]}" for key in sorted(args))


def is_as_listed(pattern: str, lines: list[str]) -> bool:
    """Return whether the lines match the pattern of a fault; an empty pattern requires that there are no lines."""
    return re.search(pattern, "\n".join(lines), re.DOTALL) is not None if pattern else not lines


def world_of(fault: Fault, *, port: int = 0) -> World:
    """Describe the DNS that shows a fault."""
    world = World(port=port)
    fault.build(world)
    return world


def write_hints(world: World, file: Path) -> Path:
    """Write the root hints; zonemaster-cli rejects hints with a trust anchor."""
    lines = world.hints_text.splitlines(keepends=True)
    file.write_text("".join(line for line in lines if " DS " not in line), encoding="ascii")
    return file


def reproduce(fault: Fault, *, prefix: Path) -> bool:
    """Show a fault; return whether all output was as listed."""
    with TemporaryDirectory() as directory, world_of(fault, port=DNS_PORT) as world:
        hints = write_hints(world, Path(directory) / "root.hints")
        theirs = by_zonemaster(fault, hints=hints, prefix=prefix)
        ours = by_this_engine(fault, world, hints=hints)
    is_seen, is_expected = is_as_listed(fault.seen, theirs), is_as_listed(fault.expected, ours)
    print(f"{fault.name}: {'reproduced' if is_seen and is_expected else 'NOT AS LISTED'}")
    print(f"    $ {shlex.join(command(fault, hints='root.hints'))}")
    for side, lines in (("Zonemaster", theirs), ("this engine", ours)):
        for line in lines or ["(nothing)"]:
            print(f"    {side:11}  {line}")
    return is_seen and is_expected


def main() -> int:
    """Run the command line."""
    names = [fault.name for fault in FAULTS]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prefix", type=Path, nargs="?", help="prefix of zonemaster/build.sh")
    parser.add_argument("--only", choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--serve", choices=names, metavar="NAME", help="serve only, and print the command")
    options = parser.parse_args()
    selected = options.only or options.serve
    chosen = [fault for fault in FAULTS if selected in (None, fault.name)]
    for address in sorted({address for fault in chosen for address in fault.addresses}):
        subprocess.run(["ip", "-6", "address", "replace", f"{address}/128", "dev", "lo"], check=True)
    if options.serve:
        serve(chosen[0])
        return 0
    if options.prefix is None:
        parser.error("PREFIX is needed to reproduce")
    shown = [reproduce(fault, prefix=options.prefix) for fault in chosen]
    print(f"{sum(shown)} of {len(shown)} as listed")
    return 0 if all(shown) else 1


def serve(fault: Fault) -> None:
    """Serve the DNS that shows a fault until Ctrl-C."""
    with world_of(fault, port=DNS_PORT) as world:
        hints = write_hints(world, Path("root.hints"))
        print(shlex.join(command(fault, hints=str(hints))), flush=True)
        with suppress(KeyboardInterrupt):
            signal.pause()


if __name__ == "__main__":
    sys.exit(main())
