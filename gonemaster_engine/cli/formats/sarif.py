"""SARIF 2.1.0: a result for each finding, for services that collect the results of static analysis.

Source: OASIS Static Analysis Results Interchange Format Version 2.1.0.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from gonemaster_engine.cli.formats.model import EndedRun, Format
from gonemaster_engine.cli.output import View
from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.findings.messages import advice
from gonemaster_engine.findings.references import reference
from gonemaster_engine.help.links import tag_url
from gonemaster_engine.version import __version__

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Level.CRITICAL: "error", Level.ERROR: "error", Level.WARNING: "warning", Level.NOTICE: "note"}
_IDENTITY = ("ns", "address", "query_name", "query_type")
"""Arguments that identify a finding; others, such as a serial number, change from run to run."""


class SarifFormat(Format):
    """Writes one document. The location of a finding is the line of its domain in the file, or the domain."""

    _rules: dict[str, dict[str, Any]]
    _all_finished = True
    _separator = ""

    def start(self) -> Iterator[str]:
        """Yield the start of the document. The rules follow the results, because they are known only then."""
        self._rules = {}
        yield f'{{"$schema": {json.dumps(SCHEMA)}, "version": "2.1.0", "runs": [{{"columnKind": "utf16CodeUnits",'
        yield '"results": ['

    def run(self, ended: EndedRun) -> Iterator[str]:
        """Yield a result for each finding."""
        self._all_finished &= not ended.result.unfinished
        for entry, text in self.shown(ended):
            yield self._separator + json.dumps(self._result(ended, entry, text))
            self._separator = ","

    def end(self) -> Iterator[str]:
        """Yield the rules and the end of the document."""
        driver = {"name": "gonemaster", "version": __version__, "rules": list(self._rules.values())}
        yield "],"
        yield f'"invocations": [{{"executionSuccessful": {json.dumps(self._all_finished)}}}],'
        yield f'"tool": {{"driver": {json.dumps(driver)}}}}}]}}'

    def _result(self, ended: EndedRun, entry: Entry, text: str) -> dict[str, Any]:
        domain = ended.result.domain
        rule_id = f"{entry.module}/{entry.tag}"
        self._rules.setdefault(rule_id, _rule(rule_id, entry, self.view))
        is_finding = entry.level in _LEVELS
        return {
            "ruleId": rule_id,
            "kind": "fail" if is_finding else "informational",
            "level": _LEVELS.get(entry.level, "none"),
            "message": {"text": f"{domain}: {text}"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": quote(self.source or domain)},
                        "region": {"startLine": entry.args.get("line", ended.line)},  # the line of a zone file
                    },
                    "logicalLocations": [{"fullyQualifiedName": domain, "kind": "resource"}],
                }
            ],
            "partialFingerprints": {"gonemaster/v1": _fingerprint(domain, entry)},
            "properties": {"level": entry.level.name, "testcase": entry.testcase},
        }


def _rule(rule_id: str, entry: Entry, view: View) -> dict[str, Any]:
    found = reference(entry.tag, entry.testcase)
    rule: dict[str, Any] = {"id": rule_id, "name": entry.tag, "properties": {"tags": ["DNS", entry.module]}}
    if text := advice(entry.tag, entry.module, locale=view.locale):
        rule |= {"fullDescription": {"text": text}, "help": {"text": text}}
    if found:
        rule |= {"shortDescription": {"text": found.title}, "helpUri": found.url}
    if view.docs_url:
        rule["helpUri"] = tag_url(view.docs_url, entry.tag)
    return rule


def _fingerprint(domain: str, entry: Entry) -> str:
    identity = [domain, entry.testcase, entry.tag, *(str(entry.args.get(key, "")) for key in _IDENTITY)]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]
