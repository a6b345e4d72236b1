"""The commands import only the modules that they need, so that they start quickly."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from gonemaster_engine.net.figures import deviation, mean, median
from gonemaster_engine.resources import default_hints, parse_hints
from tests.support.dnsworld import World

# Modules that load slowly, and their purpose.
NEVER = {
    *("flask", "celery", "kombu", "redis", "sqlalchemy", "gonemaster_tasks", "gonemaster_api"),  # the service
    "rich",  # progress on a terminal
    "yaml",  # profiles and scoring in YAML
    "http",  # download of the list of compromised keys, as is urllib.request
    "urllib.request",
    "statistics",
    "uvloop",
}
NOT_FOR_A_RUN = {
    "dns.message",  # supplied delegations, traced queries
    "dns.zone",  # root hints that are not plain
    "gonemaster_engine.recording",
    "gonemaster_engine.scoring",
    "gonemaster_engine.trustchain",
    "gonemaster_engine.zonemaster",
}
NOT_FOR_THE_VERSION = NOT_FOR_A_RUN | {
    *("asyncio", "ssl", "logging", "json", "email", "importlib.metadata", "concurrent.futures"),
    *("dns.name", "dns.rdata", "cryptography", "idna"),
    *(
        "gonemaster_engine.run.run",
        "gonemaster_engine.findings.messages",
        "gonemaster_engine.profile",
        "gonemaster_engine.testcases",
    ),
}
TELL = """
import sys
before = set(sys.modules)  # of the interpreter, and of coverage where it is measured
from gonemaster_engine.cli.{command} import main
try:
    main()
finally:  # --help ends the process
    print(*sorted(set(sys.modules) - before), file=sys.stderr)
"""


def loaded(*arguments: str, command: str = "main") -> set[str]:
    """Return the modules that a command imports."""
    program = [sys.executable, "-c", TELL.format(command=command), *arguments]
    done = subprocess.run(program, capture_output=True, text=True, check=True, timeout=100)
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("command", ["main", "nagios"])
@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_version_and_help_load_nothing_of_a_run(command: str, argument: str) -> None:
    modules = loaded(argument, command=command)
    assert "gonemaster_engine.cli.options" in modules
    assert modules & (NEVER | NOT_FOR_THE_VERSION) == set()


def test_a_run_loads_nothing_that_it_does_not_use(demo_world: World, demo_hints: Path, tmp_path: Path) -> None:
    hints = tmp_path / "named.root"
    lines = demo_hints.read_text().splitlines(keepends=True)
    hints.write_text("".join(line for line in lines if " DS " not in line))  # a plain file, like that of IANA
    world = ["--hints", str(hints), "--dns-port", str(demo_world.port), "--allow-non-global"]
    modules = loaded(*world, "--json", "good.xa")
    assert "gonemaster_engine.testcases.zone.zone15" in modules
    assert modules & (NEVER | NOT_FOR_A_RUN) == set()


ODD_FIRST = """
import json
import dns.rdata
from gonemaster_engine.net.wire.rdata import rdata_of

def of(rdclass, rtype, octets):
    return rdata_of(rdclass, rtype, octets, start=0, end=len(octets))

for rdclass, rtype in ((255, 1), (4321, 1), (255, 28), (3, 28), (1, 65399), (1, 128)):
    of(rdclass, rtype, bytes(4))
known = len(dns.rdata._rdata_classes)
for number in range(1000, 1100):
    of(number, 1, bytes(4))
    of(1, number + 40000, bytes(4))
assert len(dns.rdata._rdata_classes) == known
records = [(1, 1, bytes(4)), (1, 28, bytes(16)), (3, 1, bytes(3)), (1, 15, bytes(3)), (255, 15, bytes(3))]
records.append((255, 1, b""))
print(json.dumps([type(of(*record)).__module__ for record in records]))
"""


def test_records_of_odd_classes_that_come_first_change_nothing_for_others() -> None:
    done = subprocess.run([sys.executable, "-c", ODD_FIRST], capture_output=True, text=True, check=True, timeout=100)
    names = ["IN.A", "IN.AAAA", "CH.A", "ANY.MX", "ANY.MX"]
    assert json.loads(done.stdout) == [*(f"dns.rdtypes.{name}" for name in names), "dns.rdata"]


PLAIN = """\
; a comment
.                    3600000     NS    A.Root-Servers.NET.
.                    3600000  IN NS    b.root-servers.net.
A.ROOT-SERVERS.NET.  3600000     A     198.41.0.4 ; and another
A.ROOT-SERVERS.NET.  3600000     A     198.41.0.4
A.ROOT-SERVERS.NET.  3600000     AAAA  2001:503:BA3E:0::2:30
b.root-servers.net.  3600000     A     199.9.14.201
c.root-servers.net.  3600000     A     192.33.4.12
"""


def test_hints_are_the_same_whether_they_are_plain_or_not() -> None:
    plain = parse_hints(PLAIN)
    assert plain == parse_hints(f"$TTL 3600\n{PLAIN}")  # which only dnspython's parser understands
    assert plain == {
        "a.root-servers.net": ("198.41.0.4", "2001:503:ba3e::2:30"),
        "b.root-servers.net": ("199.9.14.201",),
    }
    assert len(default_hints()) == 13


@pytest.mark.parametrize("values", [[3.0], [1.0, 2.5], [20.125, 0.5, 4.0], [0.1] * 7, [1e-3, 5000.0, 12.5, 12.5]])
def test_figures_are_those_of_statistics(values: list[float]) -> None:
    assert mean(values) == pytest.approx(statistics.fmean(values))
    assert median(values) == pytest.approx(statistics.median(values))
    assert deviation(values) == pytest.approx(statistics.pstdev(values), abs=1e-12)
