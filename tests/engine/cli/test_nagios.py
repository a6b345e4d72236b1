"""The `gonemaster-nagios` command against the demo world."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gonemaster_engine.cli.nagios import main
from tests.support.dnsworld import World

Check = Callable[..., tuple[int, list[str]]]

PERFORMANCE = re.compile(
    r" \| notices=\d+;;;0 warnings=\d+;;;0 errors=\d+;;;0 criticals=\d+;;;0"
    r"( score=\d+;;;0;100)? time=\d+\.\d{3}s;;;0 queries=\d+;;;0$"
)


@pytest.fixture
def world_args(demo_world: World, demo_hints: Path) -> list[str]:
    # address01 reports the loopback addresses of the world's servers as errors
    return [
        "--hints",
        str(demo_hints),
        "--dns-port",
        str(demo_world.port),
        "--allow-non-global",
        "--exclude",
        "address01",
    ]


@pytest.fixture
def check(world_args: list[str], capsys: pytest.CaptureFixture[str]) -> Check:
    """Run the check in this process; return the exit code and the lines of output."""

    def run_check(*args: str) -> tuple[int, list[str]]:
        code = main([*world_args, *args])
        return code, capsys.readouterr().out.splitlines()

    return run_check


def test_zone_without_findings_is_ok(world_args: list[str]) -> None:
    # delegation01 warns that the servers have no IPv6 addresses
    args = [*world_args, "--exclude", "delegation01", "-H", "good.xa"]
    command = [sys.executable, "-m", "gonemaster_engine.cli.nagios", *args]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "ZONE OK\n"


STATES = [
    (["-H", "lame.xa"], 1, "ZONE WARNING - Some name servers do not serve the zone: "),
    (["-H", "missing.xa"], 2, "ZONE CRITICAL - "),
    (["-d", "lame.xa", "-w", "NOTICE", "-c", "WARNING"], 2, "ZONE CRITICAL - "),
    (["-d", "lame.xa", "-w", "ERROR", "-c", "CRITICAL"], 0, "ZONE OK"),
    (["-H", "good.xa", "-w", "INFO"], 1, "ZONE WARNING - "),
    (["-H", "good.xa", "--module", "syntax", "--grade-critical", "A"], 2, "ZONE CRITICAL - grade A (score 100)"),
    (["-H", "good.xa", "--module", "syntax", "--grade-warning", "A"], 1, "ZONE WARNING - grade A (score 100)"),
    (["-H", "good.xa", "--module", "syntax", "--grade-warning", "b"], 0, "ZONE OK - grade A (score 100)"),
    (
        ["-H", "missing.xa", "--grade-warning", "B"],
        2,
        "ZONE CRITICAL - system: The name missing.xa does not exist in the zone xa",
    ),
    (["-H", "good.xa", "--no-ipv4", "--no-ipv6"], 3, "ZONE UNKNOWN - system: No test is possible: "),
    (["-H", "silent.xa", "-t", "0.5"], 3, "ZONE UNKNOWN - system: The run reached its limit"),
]


@pytest.mark.parametrize(("args", "code", "start"), STATES)
def test_state(check: Check, args: list[str], code: int, start: str) -> None:
    found, lines = check(*args)
    assert lines[0].startswith(start)
    assert found == code
    assert "|" not in lines[0]
    assert len(lines[0]) <= 160


def test_performance_data_are_there_on_request(check: Check) -> None:
    whole = PERFORMANCE.search(check("-H", "good.xa", "--module", "syntax", "--perfdata")[1][0])
    assert whole is not None
    assert whole[1] == " score=100;;;0;100"


def test_what_is_unknown_has_no_score(check: Check) -> None:
    code, lines = check("-H", "silent.xa", "-t", "0.5", "--perfdata", "--grade-critical", "F")
    cut_off = PERFORMANCE.search(lines[0])
    assert (code, "grade" in lines[0]) == (3, False)
    assert cut_off is not None
    assert cut_off[1] is None


def test_the_first_line_is_cut_and_says_how_much_more_there_is(check: Check) -> None:
    code, lines = check("-H", "lame.xa", "-w", "INFO", "-c", "CRITICAL", "-vvv")
    assert (code, len(lines[0]) <= 160) == (1, True)
    assert re.search(r" \(\d+ more\)$", lines[0])
    code, lines = check("-H", ".".join(["long" * 12] * 20))
    assert (code, len(lines[0]), lines[0][-3:]) == (3, 160, "...")


def test_detail_grows_with_each_v(check: Check) -> None:
    counts = [len(check("-H", "serials.xa", *(["-" + "v" * times] if times else []))[1]) for times in range(4)]
    assert counts[0] == 1
    assert counts == sorted(set(counts))


def test_signature_rest_time_is_set_in_days(check: Check) -> None:
    selection = ("-H", "good.xa", "--testcase", "dnssec04", "--testcase", "basic01")
    assert check(*selection)[0] == 0
    code, lines = check(*selection, "--rrsig-warn-days", "3650", "-w", "NOTICE")
    assert code >= 1
    assert "dnssec04" in lines[0]


BAD = {
    "no name": ([], "-H NAME is required"),
    "levels in the wrong order": (["-H", "a.xa", "-w", "ERROR", "-c", "WARNING"], "must be higher than"),
    "the same level twice": (["-H", "a.xa", "-w", "ERROR"], "must be higher than"),
    "DS without name server": (["-H", "a.xa", "--ds", "1,13,2,ab"], "--ds needs --ns"),
    "unknown grade": (["-H", "a.xa", "--grade-warning", "E"], "'E' is not a grade"),
    "unknown option": (["-H", "a.xa", "--nope"], "unknown option --nope"),
    "no time at all": (["-H", "a.xa", "-t", "0"], "-t must be greater than 0"),
    "invalid name": (["-H", "a..xa"], "empty label"),
    "profile that is not there": (["-H", "a.xa", "--profile", "/nonexistent"], "cannot read /nonexistent"),
}


@pytest.mark.parametrize(("args", "reason"), BAD.values(), ids=BAD)
def test_what_cannot_be_checked_is_unknown(check: Check, args: list[str], reason: str) -> None:
    code, lines = check(*args)
    assert code == 3
    assert len(lines) == 1
    assert lines[0].startswith("ZONE UNKNOWN - ")
    assert reason in lines[0]


def test_version_has_two_lines(check: Check) -> None:
    code, lines = check("-V")
    assert code == 0
    assert lines[0].startswith("gonemaster-nagios ")
    assert len(lines) == 2
