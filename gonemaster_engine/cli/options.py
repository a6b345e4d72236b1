"""The command-line parser. It imports nothing that a run needs, so that `--version` and `--help` are fast."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from gonemaster_engine.cli.parsing import Parser
from gonemaster_engine.entries import Level

if TYPE_CHECKING:
    from gonemaster_engine.context import DSInfo

EXIT_FINDINGS = 1
EXIT_USAGE = 2
EXIT_UNDECIDED = 4
PROGRAM = "gonemaster"
DOCUMENTS = ("csv", "json-lines", "junit", "markdown", "prometheus", "sarif")
"""The output formats of `cli.formats`, which is slow to load."""
SHAPES = ("text", "raw", "json", "json-stream", *DOCUMENTS)


def build_parser() -> Parser:
    """Return the parser of the `gonemaster` command."""
    parser = Parser(
        prog=PROGRAM,
        usage="%(prog)s [options] DOMAIN ...\n       %(prog)s diff FILE FILE\n       %(prog)s rst INPUT",
        description="Test the DNS health of domains.",
        allow_abbrev=False,
    )
    parser.add_argument("positional", nargs="*", metavar="DOMAIN", help="the domains to test, side by side")
    parser.add_argument("--domain", metavar="NAME", help="same as DOMAIN")
    parser.add_argument(
        "--file", metavar="FILE", type=Path, help="test the domains in this file, one a line; - for standard input"
    )
    _add_selection(parser)
    _add_policy(parser)
    _add_output(parser)
    _add_score(parser)
    add_network_options(parser)
    _add_resolver(parser)
    _add_cache(parser)
    add_delegation_options(parser)
    _add_zone_file(parser)
    _add_others(parser)
    return parser


def add_selection_options(group: argparse._ArgumentGroup) -> None:
    """Add the options that select test cases."""
    group.add_argument("--module", metavar="NAME", help="run this module only")
    group.add_argument(
        "--testcase", "--test", metavar="NAME", action="append", default=[], help="run this test case; repeatable"
    )
    group.add_argument(
        "--exclude",
        metavar="NAME[,NAME]",
        action="append",
        default=[],
        help="exclude this test case or module; repeatable",
    )
    group.add_argument("--profile", metavar="FILE", type=Path, help="profile in JSON or YAML")


def _add_selection(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("test selection")
    add_selection_options(group)
    group.add_argument(
        "--stop-level", metavar="LEVEL", type=level, help="stop at the first entry of this level or above"
    )
    group.add_argument(
        "--deadline", metavar="S", type=_positive, default=300.0, help="time limit of the run in seconds (%(default)g)"
    )


def _add_policy(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("policy")
    group.add_argument(
        "--policy",
        metavar="NAME|FILE",
        help="judge by this policy: default, registration, rst-v2, or a file in JSON or YAML; exit with 1 if it fails",
    )
    group.add_argument(
        "--suite", metavar="NAME", action="append", default=[], help="judge only this suite of the policy; repeatable"
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument(
        "--min-level", metavar="LEVEL", type=level, default=Level.NOTICE, help="lowest level to print (default: NOTICE)"
    )
    shapes = group.add_mutually_exclusive_group()
    for shape, text in (
        ("raw", "level, tag and arguments"),
        ("json", "one JSON document"),
        ("json-stream", "one JSON object per line, as results arrive"),
    ):
        shapes.add_argument(f"--{shape}", dest="shape", action="store_const", const=shape, help=f"print {text}")
    shapes.add_argument(
        "--format", dest="shape", metavar="FORMAT", choices=SHAPES, help=f"print one of {', '.join(SHAPES)}"
    )
    parser.set_defaults(shape="text")
    group.add_argument(
        "--fail-level",
        metavar="LEVEL",
        type=level,
        help="exit with 1 if there is a finding of this level or above (default: findings do not matter)",
    )
    group.add_argument("--output", metavar="FILE", type=Path, help="write the results to this file")
    group.add_argument(
        "--report",
        metavar="FORMAT:FILE",
        action="append",
        default=[],
        type=_report,
        help=f"also write a file: {', '.join(DOCUMENTS)}; repeatable",
    )
    group.add_argument(
        "--chain-svg",
        metavar="FILE",
        type=Path,
        help="draw the DNSSEC chain of trust into this file (SVG); - for standard output, with --output",
    )
    group.add_argument(
        "--docs-url",
        metavar="URL",
        default="",
        help="documentation site with a page for each finding, to which SARIF and Markdown link",
    )
    group.add_argument("--locale", metavar="LOCALE", default="en", help="language of messages")
    group.add_argument(
        "--causes",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="print the root causes: what to fix, worst first (default: in text on a terminal)",
    )
    group.add_argument("--count", action="store_true", help="print totals per level and per tag")
    group.add_argument("--nstimes", action="store_true", help="print the response times of each name server")
    group.add_argument("--no-progress", action="store_true", help="do not show progress on a terminal")
    group.add_argument("--debug-queries", action="store_true", help="print each query and response to standard error")
    group.add_argument("--zonemaster-tags", action="store_true", help="print tags and arguments in Zonemaster's format")


def _add_score(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("score")
    group.add_argument("--score", action=argparse.BooleanOptionalAction, default=False, help="print score and grade")
    group.add_argument("--scoring-config", metavar="FILE", type=Path, help="scoring configuration in JSON or YAML")


def add_network_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for address families, source addresses and targets."""
    group = parser.add_argument_group("network")
    group.add_argument("--no-ipv4", "--disable-ipv4", action="store_true", help="send no queries over IPv4")
    family = group.add_mutually_exclusive_group()
    family.add_argument("--no-ipv6", "--disable-ipv6", action="store_true", help="send no queries over IPv6")
    family.add_argument(
        "--ipv6",
        "--force-ipv6",
        action="store_true",
        help="use IPv6 even if this host seems to have no IPv6 connectivity",
    )
    group.add_argument("--sourceaddr4", "--source-addr4", metavar="IP", help="send from this IPv4 address")
    group.add_argument("--sourceaddr6", "--source-addr6", metavar="IP", help="send from this IPv6 address")
    group.add_argument(
        "--allow-non-global", action="store_true", help="query name servers at non-global addresses, too"
    )
    group.add_argument("--hints", metavar="FILE", type=Path, help="root hints in zone-file format")
    group.add_argument(
        "--dns-port",
        metavar="N",
        type=_port,
        default=53,
        help="port of all name servers, for test environments (%(default)s)",
    )


def _add_resolver(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("resolver settings (default: those of the profile)")
    group.add_argument(
        "--parallel",
        metavar="N",
        type=int,
        help="number of test cases of a domain, and of domains, to test concurrently",
    )
    order = group.add_mutually_exclusive_group()
    order.add_argument(
        "--ordered", dest="unordered", action="store_false", default=None, help="run test cases one after the other"
    )
    order.add_argument("--unordered", dest="unordered", action="store_true", help="run test cases concurrently")
    group.add_argument("--timeout", metavar="S", type=_number, help="seconds to wait for a response")
    group.add_argument("--retry", metavar="N", type=int, help="maximum number of transmissions of a query")
    group.add_argument("--retrans", metavar="S", type=int, help="seconds until a query is retransmitted")
    truncated = group.add_mutually_exclusive_group()
    truncated.add_argument(
        "--fallback", action="store_true", default=None, help="retry over TCP after a truncated response"
    )
    truncated.add_argument("--no-fallback", dest="fallback", action="store_false", help="accept a truncated response")
    for kind in ("error", "positive", "negative"):
        group.add_argument(f"--{kind}-cache-ttl", metavar="S", type=int, help=f"seconds to cache {kind} answers")


def _add_cache(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("packet cache")
    group.add_argument("--save", metavar="FILE", type=Path, help="write the packet cache after the run")
    group.add_argument("--save-compress", action="store_true", help="compress the file; implied by the suffix .gz")
    group.add_argument(
        "--save-max-entries",
        metavar="N",
        type=_whole,
        default=0,
        help="maximum number of entries to write (0: no limit)",
    )
    group.add_argument(
        "--restore",
        metavar="FILE",
        type=Path,
        help="use the responses in a packet cache, or in a recording of Zonemaster, instead of the network",
    )
    group.add_argument(
        "--restore-live", action="store_true", help="with --restore: send the queries that the file does not contain"
    )
    group.add_argument(
        "--now",
        "--at",  # the former name of the option
        dest="now",
        metavar="TIME",
        type=_moment,
        help="validate signatures at this time (RFC 3339; default: now, or with --restore the time of the recording)",
    )
    group.add_argument("--cache-stats", action="store_true", help="print the number of entries read and written")
    group.add_argument("--cache-strict", action="store_true", help="exit with an error if the packet cache is damaged")


def add_delegation_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for a test of a domain that is not delegated, or not yet."""
    group = parser.add_argument_group("undelegated test")
    group.add_argument(
        "--ns",
        metavar="NAME[/IP]",
        action="append",
        default=[],
        type=nameserver,
        help="name server to use instead of the delegation; repeatable",
    )
    group.add_argument(
        "--ds",
        metavar="KEYTAG,ALG,TYPE,DIGEST",
        action="append",
        default=[],
        type=ds_record,
        help="DS record to use instead of those in the parent zone; repeatable",
    )


def _add_zone_file(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("zone file")
    group.add_argument(
        "--zone-file",
        metavar="FILE",
        type=Path,
        help="test this zone before it is published; - for standard input. Sends no queries",
    )
    group.add_argument(
        "--also-delegation",
        action="store_true",
        help="with --zone-file: compare it with the published delegation, and query its name servers",
    )


def _add_others(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("print and exit")
    group.add_argument("--list-tests", action="store_true", help="list all test cases")
    group.add_argument(
        "--explain", metavar="TAG", help="explain a message tag, a test case or a root cause, and what to do about it"
    )
    group.add_argument("--dump-profile", action="store_true", help="print the effective profile")
    group.add_argument("--badkeys-update", action="store_true", help="download the list of compromised keys")
    group.add_argument("--badkeys-path", metavar="DIR", type=Path, help="directory of the list of compromised keys")
    group.add_argument("--version", action="store_true", help="print the version")


def level(text: str) -> Level:
    """Parse a level."""
    try:
        return Level.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def nameserver(text: str) -> tuple[str, str | None]:
    """Parse NAME or NAME/IP."""
    from gonemaster_engine import names  # imported here, like the imports below: rarely used, and slow to load

    name, slash, address = text.partition("/")
    if not name or (slash and not address):
        raise argparse.ArgumentTypeError(f"{text!r} is not in the form NAME or NAME/IP")
    try:
        return name, names.canonical_address(address) if address else None
    except ValueError:
        raise argparse.ArgumentTypeError(f"{address!r} is not an IP address") from None


def ds_record(text: str) -> DSInfo:
    """Parse KEYTAG,ALGORITHM,DIGESTTYPE,DIGEST."""
    from gonemaster_engine.context import DSInfo

    fields = [field.strip() for field in text.split(",")]
    try:
        keytag, algorithm, digtype = map(int, fields[:3])
        (digest,) = fields[3:]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not in the form KEYTAG,ALGORITHM,DIGESTTYPE,DIGEST") from None
    return DSInfo(keytag, algorithm, digtype, digest)


def _report(text: str) -> tuple[str, Path]:
    shape, colon, path = text.partition(":")
    if shape not in DOCUMENTS or not colon or not path:
        raise argparse.ArgumentTypeError(f"{text!r} is not FORMAT:FILE with a format of {', '.join(DOCUMENTS)}")
    return shape, Path(path)


def _number(text: str) -> float | int:
    value = float(text)
    return int(value) if value.is_integer() else value


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value <= 86400:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds greater than 0 and at most 86400")
    return value


def _whole(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative")
    return value


def _moment(text: str) -> float:
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 2026-01-31T12:00:00Z") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _port(text: str) -> int:
    value = int(text)
    if not 0 < value < 65536:
        raise argparse.ArgumentTypeError(f"{text} is not a port number")
    return value
