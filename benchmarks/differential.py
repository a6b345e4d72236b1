"""Compare the findings of this engine with those of Zonemaster over the zones of a generated test world.

Inside the network namespace in which the world is served (README.md in this directory describes the setup):

    world.sh exec python -m benchmarks.differential DIR --zonemaster PREFIX --reference FILE [--zones 100]

Each zone is tested in one of eleven ways, which its name decides: unchanged, under another spelling, without IPv6 or
IPv4, undelegated with all or some of its servers, with five other profiles. Tags at NOTICE and above are compared by
test case, with levels and arguments; zonemaster/explained.yaml lists the known differences with reasons. FILE stores
Zonemaster's outcomes, so that a second or a resumed comparison reuses them. Exit code 1: there are unexplained
differences, or more than one in a thousand (--most).
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Final

from benchmarks.zonemaster.engines import own_outcomes, read_outcomes, reference_outcomes
from benchmarks.zonemaster.pairs import Comparison, Difference
from benchmarks.zonemaster.rules import Rule, read_rules, rule_for
from benchmarks.zonemaster.runs import WAYS, planned

MOST: Final = 0.001
Explained = list[tuple[int, Difference, Rule | None]]


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path, help="directory of the test world, with manifest.json and named.root")
    parser.add_argument("--zonemaster", type=Path, metavar="PREFIX", help="prefix of zonemaster/build.sh")
    parser.add_argument("--reference", type=Path, metavar="FILE", required=True, help="keeps Zonemaster's outcomes")
    parser.add_argument("--ours", type=Path, metavar="FILE", help="keeps ours as well: to write rules")
    parser.add_argument("--zones", type=int, default=100, help="number of zones, in the order of the world")
    parser.add_argument("--way", action="append", default=[], choices=list(WAYS), help="test each zone in this way")
    parser.add_argument("--jobs", type=int, default=2, help="number of runs at a time")
    parser.add_argument("--most", type=float, default=MOST, help="share of pairs that may be without explanation")
    parser.add_argument("--tag", default="", help="show the differences of this tag only, explained or not")
    options = parser.parse_args()
    hints = options.directory / "named.root"
    runs = planned(options.directory, count=options.zones, ways=tuple(options.way))
    if options.zonemaster is None:
        theirs = read_outcomes(options.reference)
        runs = [run for run in runs if run.id in theirs]
    else:
        theirs = reference_outcomes(runs, hints, prefix=options.zonemaster, jobs=options.jobs, file=options.reference)
    ours = own_outcomes(runs, hints, reference=theirs, jobs=options.jobs, file=options.ours)
    comparison = Comparison()
    for run in runs:
        comparison.add(run, ours[run.id], theirs[run.id])
    share = report(comparison, read_rules(), tag=options.tag)
    return 1 if share > options.most else 0


def report(comparison: Comparison, rules: list[Rule], *, tag: str) -> float:
    """Print the agreements and the differences; return the share of pairs with an unexplained difference."""
    explained: Explained = [(pair, each, rule_for(each, rules)) for pair, each in comparison.differences]
    if tag:
        for _, difference, rule in explained:
            if difference.tag == tag:
                _print_difference(difference, rule)
        return 0.0
    open_pairs = {pair for pair, _, rule in explained if rule is None}
    _print_table(comparison, explained)
    print("\nexplained:")
    for rule, count in Counter(rule for _, _, rule in explained if rule).most_common():
        print(f"  {count:6}  {rule.what:5} {rule.tags.pattern}: {rule.reason}")
    unused = [rule for rule in rules if rule not in {used for _, _, used in explained}]
    for rule in unused:
        print(f"       -  {rule.what:5} {rule.tags.pattern}: {rule.reason}")
    print("\nwithout explanation:")
    for _, difference, rule in sorted(explained, key=lambda each: (each[1].what, each[1].tag, each[1].run.id)):
        if rule is None:
            _print_difference(difference, None)
    pairs, differing = comparison.pairs, comparison.differing.total()
    share = len(open_pairs) / pairs if pairs else 0.0
    print(
        f"\n{comparison.runs} runs, {pairs} pairs: {pairs - differing} equal in tag, level and arguments, "
        f"{differing - len(open_pairs)} explained, {len(open_pairs)} not ({100 * (1 - share):.3f} % equal or explained)"
    )
    return share


def _print_table(comparison: Comparison, explained: Explained) -> None:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for _, difference, rule in explained:
        counts[difference.tag][difference.what if rule else "open"] += 1
    columns = ("tag", "level", "args", "open")
    print(f"{'differences in':45} {'equal':>9} " + " ".join(f"{column:>9}" for column in columns))
    for tag in sorted({*comparison.equal, *counts}):
        print(f"{tag:45} {comparison.equal[tag]:9} " + " ".join(f"{counts[tag][column]:9}" for column in columns))


def _print_difference(difference: Difference, rule: Rule | None) -> None:
    zone = ", ".join(sorted(difference.run.defects)) or "no defects"
    where = f"{difference.run.id} ({zone}; {difference.run.zone['signing']}, {difference.run.zone['hosting']})"
    print(f"  {difference.what:5} {difference.testcase} {difference.tag} {difference.only:6} {where}")
    if rule:
        print(f"        known: {rule.reason}")
    for side, text in (("ours", difference.ours), ("theirs", difference.theirs)):
        for line in text.splitlines():
            print(f"        {side:6} {line}")


if __name__ == "__main__":
    sys.exit(main())
