"""The report of a rehearsal as one HTML file without scripts and other files, which a browser prints to PDF."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree as ET

from gonemaster_engine.findings.messages import DEFAULT_LOCALE, best_locale, phrase
from gonemaster_engine.findings.messages.formatting import printable, shown
from gonemaster_engine.findings.messages.rst import SUMMARIES
from gonemaster_engine.rst.report import CaseReport, RstReport, SuiteReport
from gonemaster_engine.rst.text import counts, label, notes

_STYLE = """
body { font: 11pt/1.45 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .4rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top; padding: .3rem .6rem;
  border-bottom: 1px solid #ccc; overflow-wrap: anywhere; }
th, .cases td:nth-child(-n+2) { white-space: nowrap; }
code { font-size: .92em; } p { margin: .3rem 0; } .facts td:first-child { width: 14rem; }
.pass::before { content: "\\2713\\A0"; } .fail::before { content: "\\2717\\A0"; }
.undecided::before { content: "?\\A0"; } .skipped::before { content: "\\2013\\A0"; }
.fail { color: #9b1c1c; font-weight: 600; } .pass { color: #17623a; } .undecided { color: #7a4b00; font-weight: 600; }
.result { font-size: 1.2rem; } footer { margin-top: 2rem; color: #555; font-size: .9em; }
@page { margin: 18mm; } @media print { body { margin: 0; max-width: none; } h2 { break-after: avoid; }
  tr { break-inside: avoid; } thead { display: table-header-group; } }
"""


def html_page(report: RstReport, *, locale: str = DEFAULT_LOCALE) -> str:
    """Return the report as a page."""
    page = ET.Element("html", lang=best_locale(locale))
    head = _add(page, "head")
    ET.SubElement(head, "meta", charset="utf-8")
    ET.SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    title = f"{label('title', locale)}: {', '.join(tld.name for tld in report.inputs.tlds)}"
    _add(head, "title", title)
    _add(head, "style", _STYLE)
    body = _add(page, "body")
    _add(body, "h1", title)
    _add(body, "p", phrase(SUMMARIES[report.result.value], {}, locale=locale), f"result {report.result.value}")
    _facts(body, report, locale)
    for suite in report.suites:
        _suite(body, suite, locale)
    _inputs(body, report, locale)
    _identities(body, report, locale)
    footer = _add(body, "footer")
    for note in notes(report, locale):
        _add(footer, "p", note)
    return "<!DOCTYPE html>\n" + ET.tostring(page, encoding="unicode", method="html") + "\n"


def _add(parent: ET.Element, tag: str, text: str = "", kind: str = "") -> ET.Element:
    element = ET.SubElement(parent, tag, {"class": kind} if kind else {})
    element.text = text if tag == "style" else printable(text)
    return element


def _table(parent: ET.Element, titles: Iterable[str], locale: str, kind: str = "") -> ET.Element:
    table = _add(parent, "table", kind=kind)
    row = _add(_add(table, "thead"), "tr")
    for title in titles:
        _add(row, "th", label(title, locale))
    return _add(table, "tbody")


def _facts(body: ET.Element, report: RstReport, locale: str) -> None:
    document = report.as_dict(locale=locale)
    table = _add(_add(body, "table", kind="facts"), "tbody")
    facts = {
        "tlds": ", ".join(tld.name for tld in report.inputs.tlds),
        "error_codes": ", ".join(report.codes) or "–",
        "started": document["startedAt"] or "–",
        "finished": document["finishedAt"] or "–",
        "specification": document["specification"],
        "program": document["program"],
        "glue_policy": report.inputs.glue_policy,
    }
    for key, value in facts.items():
        row = _add(table, "tr")
        _add(row, "td", label(key, locale))
        _add(row, "td", value)


def _suite(body: ET.Element, suite: SuiteReport, locale: str) -> None:
    _add(body, "h2", suite.name)
    state = _add(body, "p", label(suite.result.value, locale), suite.result.value)
    state.tail = counts(suite, locale)
    table = _table(body, ("test_case", "result", "findings"), locale, "cases")
    for case in suite.cases:
        _case(table, case, locale)


def _case(table: ET.Element, case: CaseReport, locale: str) -> None:
    document = case.as_dict(locale=locale)
    row = _add(table, "tr")
    _add(_add(row, "td"), "code", case.name)
    _add(_add(row, "td"), "span", label(case.result.value, locale), case.result.value)
    cell = _add(row, "td")
    for reason in document["reasons"]:
        _add(cell, "p", reason)
    for finding in document["findings"]:
        text = _add(cell, "p")
        _add(text, "code", finding["code"]).tail = printable(
            f" ({finding['severity']}, {finding['tld']}): {finding['message']}"
        )
        if finding["advice"]:
            _add(cell, "p", f"{label('advice', locale)}: {finding['advice']}")


def _inputs(body: ET.Element, report: RstReport, locale: str) -> None:
    _add(body, "h2", label("inputs", locale))
    table = _table(body, ("tlds", "name_server", "addresses", "transports"), locale)
    for tld in report.inputs.tlds:
        for server in tld.servers:
            transports = ["UDP", "TCP", *sorted(server.protocols)]
            _row(table, tld.name, server.name, ", ".join(server.addresses) or "–", ", ".join(transports))
    table = _table(body, ("tlds", "ds_records"), locale)
    for tld in report.inputs.tlds:
        for record in tld.ds:
            _row(table, tld.name, f"{record.keytag} {record.algorithm} {record.digtype} {record.digest}")


def _identities(body: ET.Element, report: RstReport, locale: str) -> None:
    """Add what the name servers say about themselves, with NSID and ZONEVERSION."""
    if not report.identities:
        return
    _add(body, "h2", label("identities", locale))
    table = _table(body, ("tlds", "name_server", "protocol", "identities"), locale)
    for each in report.identities:
        args = each.entry.args
        values = "; ".join(
            f"{name} {shown(args[key])}"
            for name, key in (("NSID", "nsid"), ("ZONEVERSION", "zoneversion"))
            if args[key]
        )
        _row(table, each.tld, f"{args['ns']}/{args['address']}", args["protocol"], values)


def _row(table: ET.Element, *cells: str) -> None:
    row = _add(table, "tr")
    for cell in cells:
        _add(row, "td", cell)
