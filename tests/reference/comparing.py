"""Both implementations on one world, and the differences between their results."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from gonemaster_engine.profile.profile import default_profile
from gonemaster_engine.resources import Resources
from gonemaster_engine.run.run import DSInfo, run_test
from tests.reference.judge import CASES, Entry, judge
from tests.reference.mutations.mutation import Mutation
from tests.reference.subject import Options, Subject
from tests.support.dnsworld import World

# The first value is enough on an idle host; a difference only counts if it remains with the longer one.
PATIENCE_S: Final = (0.5, 4.0, 15.0)
SUPPLIED_DS: Final = DSInfo(4711, 13, 2, "ab" * 32)


def engine_entries(
    zone: str, options: Options, cases: Iterable[str], *, hints: str, port: int, sources: tuple[str, str] = ("", "")
) -> list[Entry]:
    """Run the cases of the engine from root hints, with servers on one port."""
    net = {"ipv4": options.ipv4, "ipv6": options.ipv6, "allow_non_global_targets": True}
    # The reference waits for the whole timeout, so the engine's only transmission must do so, too.
    waits = {"retry": 1, "timeout": options.timeout_s, "retrans": math.ceil(options.timeout_s)}
    profile = default_profile().merge(
        {
            "net": net,
            "resolver": {"defaults": waits, "source4": sources[0], "source6": sources[1]},
            "badkeys": {"path": options.badkeys},
            "test_cases_vars": {"zone13": {"spf_lookup_limit": options.spf_limit}},
        }
    )
    supplied = [(name, address) for name, found in options.supplied.items() for address in found or (None,)]

    async def whole() -> list[Entry]:
        with TemporaryDirectory() as directory:
            file = Path(directory) / "hints"
            file.write_text(hints)
            resources = Resources.open(root_hints=file, dns_port=port, hot_cache_ttl_s=0)
        try:
            result = await run_test(
                zone,
                profile,
                resources=resources,
                tests=["basic01", *cases],
                nameservers=supplied,
                ds=[SUPPLIED_DS] if options.ds else [],
            )
        finally:
            await resources.close()
        return [(one.testcase, one.tag, one.level.name, one.args) for one in result.entries if one.testcase in cases]

    return asyncio.run(whole())


def reference_entries(zone: str, options: Options, cases: Iterable[str], *, hints: str, port: int) -> list[Entry]:
    """Run the second implementation in the same way."""
    return judge(Subject.open(zone, hints, port, options), cases)


def normal(entries: Iterable[Entry]) -> Counter[str]:
    """Return entries as texts, independent of the order of lists."""
    return Counter(json.dumps([*entry[:3], _sorted(entry[3])], sort_keys=True) for entry in entries)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return sorted((_sorted(each) for each in value), key=lambda each: json.dumps(each, sort_keys=True))
    return value


@dataclass(frozen=True)
class Comparison:
    """The findings of only one side, each prefixed with "engine" or "reference", and the tags of both."""

    differences: list[str]
    tags: frozenset[str]
    has_run: bool  # the engine's preconditions let the cases run


def compare(world: World, options: Options, *, zone: str = "example.xa", cases: Iterable[str] = CASES) -> Comparison:
    """Run both sides on a world; repeat with longer timeouts if they differ or the engine found no zone to test."""
    cases = list(cases)
    for patience_s in PATIENCE_S:
        patient = dataclasses.replace(options, timeout_s=patience_s, denial_label=DENIAL_LABEL)
        _forget(world)
        with world:
            hints, port = world.hints_text, world.port
            first = engine_entries(zone, patient, cases, hints=hints, port=port, sources=("127.0.0.1", "::1"))
            _forget(world)
            second = reference_entries(zone, patient, cases, hints=hints, port=port) if first else []
        found = differences(first, second)
        if first and not found:
            break
    return Comparison(found, frozenset(tag for _, tag, _, _ in second), has_run=bool(first))


def differences(engine: Iterable[Entry], reference: Iterable[Entry]) -> list[str]:
    """Return the findings of only one side, prefixed with "engine" or "reference"."""
    one, other = normal(engine), normal(reference)
    found = [f"engine {text}" for text in sorted((one - other).elements())]
    return found + [f"reference {text}" for text in sorted((other - one).elements())]


def _forget(world: World) -> None:
    for server in world.servers.values():
        server.forget()


def compare_mutation(mutation: Mutation) -> Comparison:
    """Run both sides on a mutation."""
    with TemporaryDirectory() as directory:
        if mutation.blocked:
            write_blocklist(Path(directory), mutation.blocked)
        options = Options(**{"badkeys": directory if mutation.blocked else "", **mutation.options})
        return compare(mutation.build(), options, zone=mutation.zone, cases=[mutation.case])


def write_blocklist(where: Path, numbers: Sequence[tuple[int, str]]) -> None:
    """Write a list of compromised keys in the format of the package badkeys."""
    names = sorted({name for _, name in numbers})
    entries = sorted(
        hashlib.sha256(number.to_bytes((number.bit_length() + 7) // 8)).digest()[:15] + bytes((names.index(name),))
        for number, name in numbers
    )
    (where / "blocklist.dat").write_bytes(b"".join(entries))
    described = [{"id": number, "name": name} for number, name in enumerate(names)]
    (where / "badkeysdata.json").write_text(json.dumps({"blocklists": described}), encoding="utf-8")


DENIAL_LABEL: Final = "xn--gonemaster-probe-9"  # the argument depends on the engine's proof
