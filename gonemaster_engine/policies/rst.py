"""The policy for ICANN's Registry System Testing 2.0, generated from the facts about its published test policies.

`python -m gonemaster_engine.policies.rst` writes it. Source: icann/rst-test-specs, `zonemaster-test-policies.yaml`; the
facts are in data/rst-v2-facts.json, with the tags of Zonemaster 2025.2. Test cases and tags that Zonemaster does not
have never fail there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gonemaster_engine.entries import Level
from gonemaster_engine.profile.profile import default_profile
from gonemaster_engine.profile.schema import Document
from gonemaster_engine.profile.tag_sets import OLDEST
from gonemaster_engine.profile.zonemaster_tags import engine_levels, engine_tag
from gonemaster_engine.testcases.catalogue import cases

_DATA = Path(__file__).parent.parent / "data"
FACTS = _DATA / "rst-v2-facts.json"
POLICY = _DATA / "policies" / "rst-v2.json"
_FAIL = Level.ERROR
_DESCRIPTION = (
    "DNS and DNSSEC part of ICANN's Registry System Testing 2.0: the test cases and levels of Zonemaster that the "
    "published test policies name. Test with --ns and --ds, as the delegation does not exist yet."
)


def read_facts() -> dict[str, Any]:
    """Return the facts: what the published policies skip and which levels they set, and what Zonemaster has."""
    facts: dict[str, Any] = json.loads(FACTS.read_text(encoding="utf-8"))
    return facts


def unknown_tags(facts: Mapping[str, Any]) -> list[str]:
    """Return the tags of the facts that no test case of this engine reports."""
    known = {tag for tags in default_profile().levels.values() for tag in tags}
    return sorted(tag for tags in facts["levels"].values() for tag in tags if engine_tag(tag) not in known)


def document(facts: Mapping[str, Any]) -> Document:
    """Return the policy as a document."""
    counted = [case_id for case_id in cases() if case_id in facts["zonemaster_cases"] and case_id not in facts["skip"]]
    levels = _levels(facts)
    suites = {
        "StandardDNS": [case_id for case_id in counted if cases()[case_id].module != "DNSSEC"],
        "StandardDNSSEC": [case_id for case_id in counted if cases()[case_id].module == "DNSSEC"],
    }
    return {
        "name": "rst-v2",
        "version": facts["version"],
        "description": _DESCRIPTION,
        "needs": ["ipv4", "ipv6"],
        "code_prefix": "ZM_",
        "profile": {"zonemaster": {"tags": OLDEST}, "test_cases": counted, "test_levels": levels},
        "suites": [
            {
                "name": name,
                "description": f"Fails with a finding of level {_FAIL.name} or above.",
                "cases": case_ids,
                "fail_level": _FAIL.name,
                "fail_tags": [],
                "ignore_tags": _own_failures(case_ids, levels, facts),
                "unless_tags": [],
            }
            for name, case_ids in suites.items()
        ],
    }


def _levels(facts: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the changed levels by module, with the tags of this engine."""
    found: dict[str, dict[str, Level]] = {}
    for level, tags in facts["levels"].items():
        for tag in tags:
            for module in _modules(tag) or (facts["module_of_tag"][tag],):
                found.setdefault(module, {})[tag] = Level[level]
    by_module = engine_levels(found)
    return {
        module: {tag: level.name for tag, level in sorted(levels.items())}
        for module, levels in sorted(by_module.items())
    }


def _modules(tag: str) -> list[str]:
    own = engine_tag(tag)
    return [module for module, tags in default_profile().levels.items() if own in tags]


def _own_failures(case_ids: list[str], levels: Mapping[str, Mapping[str, str]], facts: Mapping[str, Any]) -> list[str]:
    """Return the tags of these test cases that would fail, but that Zonemaster does not have."""
    own = set(facts["own_tags"])
    profile = default_profile()
    found = set()
    for case_id in case_ids:
        case = cases()[case_id]
        for tag in case.tags:
            changed = levels.get(case.module, {}).get(tag.name)
            level = Level[changed] if changed else profile.level(case.module, tag.name)
            if tag.name in own and changed is None and level >= _FAIL:
                found.add(tag.name)
    return sorted(found)


def main() -> None:
    """Write the policy."""
    POLICY.write_text(json.dumps(document(read_facts()), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
