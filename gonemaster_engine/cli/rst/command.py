"""The command `gonemaster rst`: rehearse ICANN's Registry System Testing with its input parameters in a JSON file.

Exit codes: 0 pass, 1 fail, 2 the input or an option is invalid, 4 undecided.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from gonemaster_engine.cli.domain_list import STANDARD_INPUT
from gonemaster_engine.cli.options import EXIT_FINDINGS, EXIT_UNDECIDED, PROGRAM, add_network_options
from gonemaster_engine.cli.parsing import Parser
from gonemaster_engine.cli.settings import check_sources, check_targets, profile_of
from gonemaster_engine.cli.terminal import Output, ProgressBar
from gonemaster_engine.cli.testing import run_async
from gonemaster_engine.errors import DocumentError, EngineError
from gonemaster_engine.profile.profile import Profile
from gonemaster_engine.resources import Resources
from gonemaster_engine.rst.document import MAX_OCTETS, RstInput, parse_text
from gonemaster_engine.rst.html import html_page
from gonemaster_engine.rst.rehearsal import DEADLINE_S, rehearse_tld, rst_policy
from gonemaster_engine.rst.report import RstReport, RstResult, TldRun, build_report
from gonemaster_engine.rst.sending import Ports
from gonemaster_engine.rst.text import text_lines
from gonemaster_engine.rst.tld import Tld

FORMATS = ("text", "json", "html")
EXIT_CODES = {
    RstResult.PASS: 0,
    RstResult.SKIPPED: 0,
    RstResult.FAIL: EXIT_FINDINGS,
    RstResult.UNDECIDED: EXIT_UNDECIDED,
}
_TLDS_AT_ONCE = 4


def rehearse_file(words: Sequence[str]) -> int:
    """Run the command and return its exit code.

    Raises:
      UsageError: the options are invalid.
      EngineError: the file cannot be read, or its parameters are invalid.
    """
    options = build_parser().parse_args(words)
    options.profile = None
    inputs = _read(options.file)
    profile = profile_of(options)
    check_sources(profile)
    check_targets(
        ((server.name, each) for tld in inputs.tlds for server in tld.servers for each in server.addresses),
        profile,
        option="",
    )
    with ExitStack() as opened:  # before the first query: a report that cannot be written must not cost a rehearsal
        files = [(shape, opened.enter_context(Output(path, replaces=True))) for shape, path in options.report]
        output = opened.enter_context(Output())
        bar = opened.enter_context(ProgressBar(enabled=not options.no_progress, output=output))
        bar.show_percentage()
        runs = run_async(_run_all(options, inputs, profile, bar))
        report = build_report(inputs, runs, rst_policy(), locale=options.locale)
        for shape, write in ((options.shape, bar.write), *((shape, file.write) for shape, file in files)):
            for line in _lines(report, shape, options.locale):
                write(line)
    return EXIT_CODES[report.result]


def build_parser() -> Parser:
    """Return the parser of the command."""
    parser = Parser(
        prog=f"{PROGRAM} rst",
        description="Rehearse the suites StandardDNS and StandardDNSSEC of ICANN's Registry System Testing (RST) 2.0.",
        epilog="Exit status: 0 pass, 1 fail, 2 the input or an option is invalid, 4 undecided, 130 interrupted.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "file", metavar="INPUT", type=Path, help="JSON file with the input parameters of RST; - for standard input"
    )
    parser.add_argument(
        "--format", dest="shape", metavar="FORMAT", choices=FORMATS, default="text", help="text, json or html"
    )
    parser.add_argument(
        "--report",
        metavar="FORMAT:FILE",
        action="append",
        default=[],
        type=_report,
        help="also write a file: text, json or html; repeatable",
    )
    parser.add_argument("--locale", metavar="LOCALE", default="en", help="language of the report")
    parser.add_argument(
        "--deadline",
        metavar="S",
        type=_seconds,
        default=DEADLINE_S,
        help="time limit for each TLD in seconds (%(default)g)",
    )
    parser.add_argument("--no-progress", action="store_true", help="do not show progress on a terminal")
    add_network_options(parser)
    for name, port in (("dot", 853), ("doh", 443), ("doq", 853)):
        parser.add_argument(
            f"--{name}-port",
            metavar="N",
            type=_port,
            default=port,
            help=f"port of DNS over {_TRANSPORTS[name]}, for test environments (%(default)s)",
        )
    return parser


_TRANSPORTS = {"dot": "TLS", "doh": "HTTPS", "doq": "QUIC"}


def _report(text: str) -> tuple[str, Path]:
    shape, colon, path = text.partition(":")
    if shape not in FORMATS or not colon or not path:
        raise argparse.ArgumentTypeError(f"{text!r} is not FORMAT:FILE with a format of {', '.join(FORMATS)}")
    return shape, Path(path)


def _seconds(text: str) -> float:
    value = float(text)
    if not 10 <= value <= 7200:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds from 10 to 7200")
    return value


def _port(text: str) -> int:
    value = int(text)
    if not 0 < value < 65536:
        raise argparse.ArgumentTypeError(f"{text} is not a port number")
    return value


def _read(path: Path) -> RstInput:
    try:
        if path == STANDARD_INPUT:
            octets = sys.stdin.buffer.read(MAX_OCTETS + 1)
        else:
            with path.open("rb") as file:
                octets = file.read(MAX_OCTETS + 1)
        return parse_text(octets)
    except OSError as error:
        raise EngineError(f"cannot read {path}: {error.strerror}") from error
    except DocumentError as error:
        problems = "\n".join(f"  {place}: {reason}" if place else f"  {reason}" for place, reason in error.problems)
        raise EngineError(f"{path}: the input parameters are invalid:\n{problems}") from error


async def _run_all(
    options: argparse.Namespace, inputs: RstInput, profile: Profile, bar: ProgressBar
) -> dict[str, TldRun]:
    """Rehearse the TLDs, some of them side by side."""
    resources = Resources.open(root_hints=options.hints, dns_port=options.dns_port, ipv6=options.ipv6 or None)
    slots, done = asyncio.Semaphore(_TLDS_AT_ONCE), dict.fromkeys((tld.name for tld in inputs.tlds), 0)
    ports = Ports(options.dot_port, options.doh_port, options.doq_port)

    def progress(name: str, percent: int) -> None:
        done[name] = percent
        bar.update(sum(done.values()) // len(done))

    async def run(tld: Tld) -> TldRun:
        async with slots:
            result = await rehearse_tld(
                tld,
                profile,
                resources=resources,
                is_wide=inputs.is_wide,
                ports=ports,
                deadline_s=options.deadline,
                on_progress=lambda percent: progress(tld.name, percent),
                is_urgent=True,
            )
            finished_at = result.started_at + timedelta(seconds=result.duration_s)
            return TldRun(result.entries, result.started_at, finished_at, _families(profile))

    try:
        runs = await asyncio.gather(*map(run, inputs.tlds))
        return {tld.name: each for tld, each in zip(inputs.tlds, runs, strict=True)}
    finally:
        await resources.close()


def _families(profile: Profile) -> frozenset[str]:
    return frozenset(name for name in ("ipv4", "ipv6") if getattr(profile, name))


def _lines(report: RstReport, shape: str, locale: str) -> Iterator[str]:
    if shape == "json":
        yield json.dumps(report.as_dict(locale=locale), indent=2, ensure_ascii=False)
    elif shape == "html":
        yield html_page(report, locale=locale).rstrip("\n")
    else:
        yield from text_lines(report, locale=locale)
