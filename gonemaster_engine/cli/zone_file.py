"""The test of a zone file by the `gonemaster` command: `--zone-file`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gonemaster_engine.cli.domain_list import STANDARD_INPUT
from gonemaster_engine.cli.parsing import UsageError
from gonemaster_engine.cli.reports import Report, RunReports, open_reports, to_stderr
from gonemaster_engine.cli.settings import check_sources, domains_of, excluded, policy_of, profile_of, selected
from gonemaster_engine.cli.testing import CommandOutcome, run_async
from gonemaster_engine.errors import EngineError
from gonemaster_engine.findings.messages import phrase
from gonemaster_engine.findings.messages.zonefile import LABELS, SUMMARIES
from gonemaster_engine.resources import Resources
from gonemaster_engine.zonefile.check import ZoneCheck, check_zone_file
from gonemaster_engine.zonefile.published import compare_with_delegation
from gonemaster_engine.zonefile.reading import FileLimits

if TYPE_CHECKING:
    from gonemaster_engine.entries import Entry
    from gonemaster_engine.profile.profile import Profile
    from gonemaster_engine.zonefile.contents import ZoneContents

_UNUSED = ("file", "save", "restore", "chain_svg", "nstimes", "stop_level", "debug_queries")


def test_zone_file(options: argparse.Namespace) -> CommandOutcome:
    """Test the zone file that the options name, and write the requested output.

    Raises:
      UsageError: the options conflict.
      EngineError: the options are invalid, or a file cannot be read or written.
    """
    for name in _UNUSED:
        if getattr(options, name):
            raise UsageError(f"--{name.replace('_', '-')} cannot be combined with --zone-file")
    policy_of(options)  # refuses a policy: most test cases of one need more than the file
    domains = domains_of(options)
    if len(domains) > 1:
        raise UsageError("--zone-file takes a single domain")
    profile = profile_of(options)
    check_sources(profile)
    text = _text_of(options.zone_file)
    with open_reports(options, is_single=True) as reports:
        reports.bar.show_percentage()
        check = run_async(_check(options, text, domains[0], profile, reports))
        report = Report(reports, domain=domains[0], line=1)
        for entry in check.result.entries:
            report.entry(entry)
        reports.end_run(report, check.result)
        for line in _left_out(check, options.locale):
            (reports.bar.write if options.shape == "text" else to_stderr)(line)
    failed = reports.failed or check.contents is None  # no one can publish a file that name servers do not load
    return CommandOutcome(no_network=reports.no_network, failed=failed, invalid=0)


def _text_of(path: Path) -> str:
    try:
        octets = sys.stdin.buffer.read() if path == STANDARD_INPUT else path.read_bytes()
    except OSError as error:
        raise EngineError(f"cannot read {path}: {error.strerror}") from error
    return octets.decode(errors="surrogateescape")


async def _check(
    options: argparse.Namespace, text: str, domain: str, profile: Profile, reports: RunReports
) -> ZoneCheck:
    check = await check_zone_file(
        text,
        domain,
        profile,
        limits=FileLimits(),
        file="" if options.zone_file == STANDARD_INPUT else str(options.zone_file),
        ds=options.ds,
        nameservers=options.ns,
        tests=selected(options),
        exclude=excluded(options),
        deadline_s=options.deadline,
        on_progress=reports.bar.update,
        clock=(lambda: float(options.now)) if options.now is not None else time.time,
    )
    if options.also_delegation and check.contents is not None:
        check.result.entries += await _differences(options, check.contents, profile, now=check.result.judged_at)
    return check


async def _differences(
    options: argparse.Namespace, contents: ZoneContents, profile: Profile, *, now: int
) -> list[Entry]:
    resources = Resources.open(root_hints=options.hints, dns_port=options.dns_port, ipv6=options.ipv6 or None)
    try:
        return await compare_with_delegation(
            contents, profile, resources, nameservers=options.ns, limit_s=options.deadline, now=now
        )
    except TimeoutError:
        raise EngineError(f"the published delegation was not found within {options.deadline:g} seconds") from None
    finally:
        await resources.close()


def _left_out(check: ZoneCheck, locale: str) -> Iterator[str]:
    if check.contents is None:
        yield phrase(SUMMARIES["not_loadable"], {}, locale=locale)
        return
    for need, testcases in check.left_out.items():
        args = {"need": phrase(LABELS[need], {}, locale=locale), "testcases": ", ".join(testcases)}
        yield phrase(SUMMARIES["left_out"], args, locale=locale)
