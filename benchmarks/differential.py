"""Compare the findings of this engine with those of zonemaster-cli over the zones of a generated test world.

Inside the network namespace in which the world is served (a directory with manifest.json, named.root and zones):

    world.sh exec python benchmarks/differential.py DIR --zones 100 [--reference FILE] [--silent] [--tag TAG]

A pair is a zone and a message tag that one of the two gives at NOTICE or above; they agree when the other gives the
tag for that zone, too, at whatever level, or the same verdict under the name of another version. Known differences
stand in explained.yaml, each with its reason. The results
of zonemaster-cli are kept in FILE, so that a second comparison, or one that was stopped, takes those from there.
Exit code 1: there are differences that nobody has explained. Without zonemaster-cli nothing is done.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from gonemaster_engine.profile.profile import default_profile

REFERENCE = "zonemaster-cli"
NOTABLE = frozenset({"NOTICE", "WARNING", "ERROR", "CRITICAL"})
SILENT = frozenset({"server_silent", "server_flaky", "server_slow", "server_noedns_drop", "all_servers_dead"})
RUN_LIMIT_S = 300
ZONES_PER_WRITE = 20  # results of zonemaster-cli are kept as they come, so a comparison that was stopped can go on
SYSTEM_TAGS = frozenset(default_profile().levels["SYSTEM"])  # about the run, not the zone
EXPLAINED = Path(__file__).with_name("explained.yaml")

Levels: TypeAlias = dict[str, str]
"""Message tags of a zone and the highest level of each."""


@dataclass(frozen=True)
class Rule:
    """A known difference: tags (a regular expression), who gives them, in which zones, and why."""

    tags: re.Pattern[str]
    only: str  # "ours", "theirs" or "either"
    reason: str
    defects: frozenset[str]  # one of these is in the zone; empty: any zone
    beside: re.Pattern[str] | None  # a tag that the other one gives instead
    renamed: bool  # that tag is the same verdict under another name

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Rule:
        beside = document.get("beside")
        return cls(
            tags=re.compile(document["tags"]),
            only=document.get("only", "either"),
            reason=document["reason"],
            defects=frozenset(document.get("defects", ())),
            beside=re.compile(beside) if beside else None,
            renamed=document.get("renamed", False),
        )

    def explains(self, difference: Difference) -> bool:
        if self.only not in {"either", difference.only} or not self.tags.fullmatch(difference.tag):
            return False
        if self.defects and not self.defects & difference.defects:
            return False
        return self.beside is None or any(self.beside.fullmatch(tag) for tag in difference.other_tags)


@dataclass(frozen=True)
class Difference:
    """A tag that only one of the two gives for a zone."""

    zone: str
    tag: str
    only: str  # "ours" or "theirs"
    defects: frozenset[str]
    other_tags: frozenset[str]  # what the other one gives for that zone


@dataclass
class Comparison:
    """Agreement and differences, over all zones."""

    agreed: Counter[str] = field(default_factory=Counter)  # by tag
    differences: list[Difference] = field(default_factory=list)

    def add(self, zone: Mapping[str, Any], ours: Levels, theirs: Levels) -> None:
        tags = {tag for levels in (ours, theirs) for tag, level in levels.items() if level in NOTABLE}
        for tag in sorted(tags - SYSTEM_TAGS):
            if tag in ours and tag in theirs:
                self.agreed[tag] += 1
                continue
            only, other = ("ours", theirs) if tag in ours else ("theirs", ours)
            self.differences.append(Difference(zone["name"], tag, only, defect_names(zone), frozenset(other)))


def defect_names(zone: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(defect if isinstance(defect, str) else defect["name"] for defect in zone["defects"])


def chosen_zones(directory: Path, *, count: int, silent: bool) -> list[dict[str, Any]]:
    zones: list[dict[str, Any]] = json.loads((directory / "manifest.json").read_text())["zones"]
    wanted = [zone for zone in zones if not zone["tld_defects"] and (silent or not SILENT & defect_names(zone))]
    return wanted[:count]


def run_reference(name: str, hints: Path) -> Levels:
    command = [REFERENCE, "--hints", str(hints), "--json", "--level", "DEBUG", "--no-progress", name]
    return highest_levels(json.loads(output_of(command))["results"])


def run_ours(name: str, hints: Path) -> Levels:
    command = [str(Path(sys.executable).with_name("gonemaster")), "--hints", str(hints), "--json"]
    command += ["--min-level", "DEBUG3", "--allow-non-global", "--zonemaster-tags", name]
    return highest_levels(json.loads(output_of(command)))


def output_of(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_LIMIT_S, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def highest_levels(entries: Iterable[Mapping[str, Any]]) -> Levels:
    levels: Levels = {}
    order = ("DEBUG3", "DEBUG2", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL")
    for entry in entries:
        tag, level = entry["tag"], entry["level"]
        levels[tag] = max(levels.get(tag, level), level, key=order.index)
    return levels


def run_all(zones: list[dict[str, Any]], hints: Path, options: argparse.Namespace) -> Comparison:
    kept: dict[str, Levels] = {}
    if options.reference and options.reference.exists():
        kept = json.loads(options.reference.read_text())

    def both(zone: Mapping[str, Any]) -> tuple[Levels, Levels]:
        name = zone["name"]
        return run_ours(name, hints), kept.get(name) or run_reference(name, hints)

    comparison = Comparison()
    with ThreadPoolExecutor(options.jobs) as pool:
        for number, (zone, (ours, theirs)) in enumerate(zip(zones, pool.map(both, zones), strict=True), start=1):
            kept[zone["name"]] = theirs
            comparison.add(zone, ours, theirs)
            if options.reference and (number % ZONES_PER_WRITE == 0 or number == len(zones)):
                options.reference.write_text(json.dumps(kept))
    return comparison


def report(comparison: Comparison, rules: list[Rule], *, tag: str) -> int:
    """Print agreement in all and per tag; return the number of differences without explanation."""
    rule_of = {
        difference: next((rule for rule in rules if rule.explains(difference)), None)
        for difference in comparison.differences
    }
    unexplained = [difference for difference, rule in rule_of.items() if rule is None]
    print_table(comparison.agreed, rule_of)
    print_differences([each for each in unexplained if tag in ("", each.tag)])
    for renamed, title in ((True, "the same under another name"), (False, "explained differences")):
        print(f"\n{title}:")
        for reason, count in Counter(
            rule.reason for rule in rule_of.values() if rule and rule.renamed is renamed
        ).most_common():
            print(f"  {count:5}  {reason}")
    print_summary(comparison.agreed.total(), rule_of)
    return len(unexplained)


def print_summary(agreed: int, rule_of: Mapping[Difference, Rule | None]) -> None:
    kinds = Counter(kind_of(difference, rule) for difference, rule in rule_of.items())
    pairs = agreed + len(rule_of)
    same = agreed + kinds["renamed"]
    share = 100 * same / pairs if pairs else 100.0
    unexplained = kinds["ours"] + kinds["theirs"]
    print(
        f"\n{pairs} pairs, {agreed} agree, {kinds['renamed']} under another name (together {share:.2f} %),"
        f" {kinds['explained']} differences explained, {unexplained} not"
    )


def kind_of(difference: Difference, rule: Rule | None) -> str:
    """Return in which column a difference is counted."""
    if rule is None:
        return difference.only
    return "renamed" if rule.renamed else "explained"


def print_table(agreed: Counter[str], rule_of: Mapping[Difference, Rule | None]) -> None:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for difference, rule in rule_of.items():
        counts[difference.tag][kind_of(difference, rule)] += 1
    columns = ("renamed", "explained", "ours", "theirs")
    print(f"{'tag':45} {'agree':>9} " + " ".join(f"{column:>9}" for column in columns))
    for tag in sorted({*agreed, *counts}):
        print(f"{tag:45} {agreed[tag]:9} " + " ".join(f"{counts[tag][column]:9}" for column in columns))


def print_differences(differences: list[Difference]) -> None:
    print("\ndifferences without explanation:")
    for difference in sorted(differences, key=lambda each: (each.tag, each.only, each.zone)):
        defects = ", ".join(sorted(difference.defects)) or "no defects"
        print(f"  {difference.tag:42} {difference.only:6} {difference.zone} ({defects})")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path, help="of the test world: holds manifest.json and named.root")
    parser.add_argument("--zones", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=2, help="zones at a time")
    parser.add_argument("--silent", action="store_true", help="also zones whose servers time out")
    parser.add_argument("--reference", type=Path, help="file that keeps the results of zonemaster-cli")
    parser.add_argument("--tag", default="", help="list the differences of this tag only")
    options = parser.parse_args()
    if shutil.which(REFERENCE) is None:
        print(f"{REFERENCE} is not installed: nothing to compare with")
        return 0
    version = output_of([REFERENCE, "--version"]).splitlines()
    print("compared with", ", ".join(line.strip() for line in version if "version" in line))
    rules = [Rule.read(document) for document in yaml.safe_load(EXPLAINED.read_text()) or ()]
    zones = chosen_zones(options.directory, count=options.zones, silent=options.silent)
    comparison = run_all(zones, options.directory / "named.root", options)
    return 1 if report(comparison, rules, tag=options.tag) else 0


if __name__ == "__main__":
    sys.exit(main())
