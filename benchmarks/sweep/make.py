"""Create sweep.json.xz: the results of a sweep over a generated test world, with slots for names and numbers.

Inside the network namespace in which the world is served (see benchmarks/engine.py):

    world.sh exec python -m benchmarks.sweep.make DIR --zones 1000

Runs with the same sequence of findings are one template with a weight. Values that differ between domains (names, name
servers, addresses, key tags, serials, dates) become slots, which `benchmarks.sweep.sample` fills. In a world on
loopback addresses ADDRESS01 reports each zone; the results contain its finding for global addresses instead.
"""

from __future__ import annotations

import argparse
import json
import lzma
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from benchmarks.engine import chosen_zones, make_runner, run_all
from benchmarks.sweep.sample import FILE, SLOT_BASE, TIMING_FIELDS, bucket
from gonemaster_engine.memory import collect_rarely
from gonemaster_engine.run.run import RunResult
from gonemaster_engine.scoring.config import DEFAULT_CONFIG
from gonemaster_engine.scoring.score import compute_score

Entry: TypeAlias = tuple[float, str, str, str, str, dict[str, Any]]
Slot: TypeAlias = list[Any]  # its kind, and the parameters of the kind

_STORED = ("INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL")
_LOCAL, _NOT_GLOBAL, _GLOBAL = "A01_LOCAL_USE_ADDR", "A01_NO_GLOBALLY_REACHABLE_ADDR", "A01_GLOBALLY_REACHABLE_ADDR"
_PARTS = re.compile(
    r"(?P<v4>\b127\.(\d+)\.(\d+)\.(\d+)\b(?!/))"
    r"|(?P<v6>\bfd53:[0-9a-f:]+\b(?!/))"
    r"|(?P<date>\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"
    r"|(?P<name>[A-Za-z][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)+)"
    r'|(?<="serial":")(?P<serial>\d+)'
    r'|(?<="keytag":)(?P<keytag>\d+)'
    r'|(?<="size":)(?P<size>\d+)'
    r"|(?<=keytags\":\[)(?P<keytags>[\d,]+)"
)
_OF_THE_WORLD = ("brokenhost.net", "root-servers.net", "zonemaster.net", "arpa", "version.bind", "version.server")
_TIMINGS_PER_BUCKET = 150
_TOTAL = TIMING_FIELDS.index("total_ms")
_SEED = 7


@dataclass
class Slots:
    """The slots of one run, in order of first occurrence."""

    domain: str
    found: dict[tuple[str, str], int] = field(default_factory=dict)
    kinds: list[Slot] = field(default_factory=list)

    @property
    def tld(self) -> str:
        return self.domain.rpartition(".")[2]

    def of(self, kind: str, key: str, *needs: Any) -> str:
        """Return the character of the slot with this key; create it on first use."""
        if (kind, key) not in self.found:
            self.found[kind, key] = len(self.kinds)
            self.kinds.append([kind, *needs])
        return chr(SLOT_BASE + self.found[kind, key])


@dataclass(frozen=True)
class Result:
    """The parts of a run's result that are used."""

    domain: str
    entries: Sequence[Entry]
    timings: Sequence[dict[str, Any]]
    score: int | None
    grade: str | None
    duration: float


def results_of(directory: Path, options: argparse.Namespace) -> Iterator[Result]:
    """Test zones of the world."""
    _, runner = make_runner(options.loop)
    names = chosen_zones(directory, options)
    with runner:
        made = runner.run(run_all(names, directory / "named.root", 53, options))
    for name, result in zip(names, made, strict=True):
        yield as_result(name, result)


def as_result(name: str, run: RunResult) -> Result:
    score = compute_score(name, run.entries, DEFAULT_CONFIG)
    entries: list[Entry] = [
        (entry.timestamp, entry.module, entry.testcase, entry.tag, entry.level.name, dict(entry.args))
        for entry in run.entries
    ]
    number, grade = (score.score, score.grade) if score else (None, None)
    return Result(name, entries, [asdict(one) for one in run.timings], number, grade, run.duration_s)


def read_results(file: Path) -> Iterator[Result]:
    """Read results that were stored as JSON lines."""
    with file.open() as lines:
        for line in map(json.loads, lines):
            entries = [tuple(entry) for entry in line["entries"]]
            yield Result(line["domain"], entries, line["timings"], line["score"], line["grade"], line["duration"])


def with_global_addresses(entries: Iterable[Entry]) -> Iterator[Entry]:
    for at, module, testcase, tag, level, args in entries:
        if tag == _LOCAL:
            yield at, module, testcase, _GLOBAL, "INFO", args
        elif tag != _NOT_GLOBAL and level in _STORED:
            yield at, module, testcase, tag, level, args


def with_slots(text: str, slots: Slots) -> str:
    """Replace the values in a JSON text that differ from run to run."""
    text = text.replace(f'"{slots.tld}"', f'"{slots.of("tld", "")}"')
    return _PARTS.sub(lambda match: _slot(match, slots), text)


def _slot(match: re.Match[str], slots: Slots) -> str:
    kind, text = match.lastgroup or "", match.group(match.lastgroup or 0)
    if kind == "v4":
        return slots.of("v4", ".".join(text.split(".")[1:4])) if _key_of(text) in slots.found else text
    if kind == "v6":
        return slots.of("v6", _network(text)) if _key_of(text) in slots.found else text
    if kind == "name":
        return _name(text, slots)
    if kind == "keytags":
        return ",".join(slots.of("keytag", one) for one in text.split(","))
    return slots.of(kind, text, *([text] if kind in ("size", "serial") else []))


def _key_of(address: str) -> tuple[str, str]:
    if ":" in address:
        return "v6", _network(address)
    return "v4", ".".join(address.split(".")[1:4])


def _network(address: str) -> str:
    """Write fd53:10:1::53 as 10.1.53, like its partner 127.10.1.53."""
    groups, _, host = address.removeprefix("fd53:").rpartition("::")
    return ".".join([*[*groups.split(":"), "0"][:2], host])


def _name(name: str, slots: Slots) -> str:
    if name == slots.domain:
        return slots.of("domain", "")
    if name.lower() == f"www.{slots.domain}" and name != name.lower():
        return slots.of("mixed case", "")
    if name.endswith(_OF_THE_WORLD):
        return name
    host, zone = _split(name)
    if zone == slots.domain:
        return f"{host}.{slots.of('domain', '')}"
    if zone.startswith("nic."):
        return f"{host}.nic.{slots.of('tld', '')}" if zone == f"nic.{slots.tld}" else name
    provider = slots.of("provider", zone, zone.rpartition(".")[2])
    return f"{host}.{provider}" if host else provider


def _split(name: str) -> tuple[str, str]:
    """Split off the zone, which has two labels in the test world."""
    labels = name.split(".")
    return ".".join(labels[:-2]), ".".join(labels[-2:])


def bind_addresses(value: Any, slots: Slots) -> None:
    """Create slots for the addresses of name servers; each belongs to the zone of its server's name."""
    if isinstance(value, list):
        for one in value:
            bind_addresses(one, slots)
    elif isinstance(value, dict):
        name, address = value.get("ns") or value.get("nameserver"), value.get("address")
        if isinstance(name, str) and isinstance(address, str) and address.startswith(("127.", "fd53:")):
            _bind(name, address, slots)
        for one in value.values():
            bind_addresses(one, slots)


def _bind(name: str, address: str, slots: Slots) -> None:
    _, zone = _split(name)
    if name.endswith(_OF_THE_WORLD) or zone.startswith("nic.") or _key_of(address) in slots.found:
        return  # servers of top-level domains are the same for many runs
    own = zone == slots.domain
    owner = slots.of("domain", "") if own else slots.of("provider", zone, zone.rpartition(".")[2])
    number = sum(one[0] == "v4" for one in slots.kinds)
    for family in ("v4", "v6"):  # both addresses of a pair, so that they have the same number
        slots.of(family, _key_of(address)[1], ord(owner) - SLOT_BASE, number)


def template(result: Result, kinds: dict[tuple[str, ...], int]) -> dict[str, Any]:
    """Write a run with slots; `kinds` numbers the common parts of entries, and grows."""
    entries = list(with_global_addresses(result.entries))
    slots = Slots(result.domain)
    slots.of("domain", "")
    slots.of("tld", "")
    bind_addresses([entry[5] for entry in entries], slots)
    bind_addresses(list(result.timings), slots)
    texts = [with_slots(json.dumps(entry[5], ensure_ascii=False, separators=(",", ":")), slots) for entry in entries]
    servers = [
        [with_slots(f'["{one["nameserver"]}","{one["address"]}"]', slots), bucket(one["status"], one["count"])]
        for one in result.timings
    ]
    return {
        "kinds": [kinds.setdefault(entry[1:5], len(kinds)) for entry in entries],
        "args": texts,
        "times_us": [round(entry[0] * 1e6) for entry in entries],
        "servers": servers,
        "slots": slots.kinds,
        "score": result.score,
        "grade": result.grade,
        "duration_s": round(result.duration, 3),
    }


def timings_by_bucket(results: Iterable[Result]) -> dict[str, list[list[Any]]]:
    """Choose some of the measured timings of name servers, sorted by their total time."""
    found: dict[str, list[list[Any]]] = defaultdict(list)
    for result in results:
        for one in result.timings:
            found[bucket(one["status"], one["count"])].append([one[name] for name in TIMING_FIELDS])
    rng = random.Random(_SEED)
    return {
        name: sorted(rng.sample(rows, min(len(rows), _TIMINGS_PER_BUCKET)), key=lambda row: row[_TOTAL])
        for name, rows in sorted(found.items())
    }


def make(results: Sequence[Result]) -> dict[str, Any]:
    """Create the document: one template of each sequence of findings, with its number of runs."""
    kinds: dict[tuple[str, ...], int] = {}
    same: dict[tuple[int, ...], list[dict[str, Any]]] = defaultdict(list)
    for result in results:
        made = template(result, kinds)
        same[tuple(made["kinds"])].append(made)
    return {
        "kinds": [list(kind) for kind in kinds],
        "templates": [_typical(runs) | {"weight": len(runs)} for runs in sorted(same.values(), key=len, reverse=True)],
        "timings": timings_by_bucket(results),
    }


def _typical(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Choose the run with the median number of queried servers: the first runs of a sweep query more."""
    return sorted(runs, key=lambda run: len(run["servers"]))[len(runs) // 2]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("directory", type=Path, nargs="?", help="test world, with manifest.json and named.root")
    parser.add_argument("--zones", type=int, default=1000)
    parser.add_argument("--concurrency", type=int, default=32, help="number of runs at a time")
    parser.add_argument("--results", type=Path, help="stored results as JSON lines instead of a world")
    parser.set_defaults(clean=False, silent=True, testcase=None, chain=False, hot_cache=60.0, loop="uvloop")
    options = parser.parse_args()
    collect_rarely()
    results = list(read_results(options.results) if options.results else results_of(options.directory, options))
    document = make(results)
    packed = lzma.compress(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(), preset=9)
    FILE.write_bytes(packed)
    counts = ", ".join(f"{len(document[name])} {name}" for name in ("templates", "kinds"))
    print(f"{len(results)} runs, {counts}, {len(packed)} octets")


if __name__ == "__main__":
    main()
