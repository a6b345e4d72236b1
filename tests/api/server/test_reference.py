"""`reference-data check` and the doctor compare root hints, trust anchors and registries with their sources."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gonemaster_api.server.cli import main
from gonemaster_api.server.doctor.findings import CheckState
from gonemaster_api.server.doctor.reference import check_root
from gonemaster_engine.resources import DEFAULT_HINTS
from gonemaster_tasks.config.loader import load_settings
from tests.support.dnsworld import World

FILES = ("named.root", "root-anchors.xml", "iana-ipv4-special-registry.csv", "iana-ipv6-special-registry.csv")
CHANGES = {
    "named.root": ("170.247.170.2", "199.9.14.201", "b.root-servers.net has the address 199.9.14.201 instead of"),
    "root-anchors.xml": (
        '"2017-02-02T00:00:00+00:00"',
        '"2017-02-02T00:00:00+00:00" validUntil="2027-01-11T00:00:00+00:00"',
        "the anchor 20326 has another period of validity",
    ),
    "iana-ipv4-special-registry.csv": ("10.0.0.0/8", "11.0.0.0/8", "10.0.0.0/8 is no longer registered"),
}
Check = Callable[..., tuple[int, str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with copies of the sources."""
    for name in FILES:
        shutil.copy(DEFAULT_HINTS.parent / name, tmp_path)
    return tmp_path


@pytest.fixture
def check(folder: Path, demo_world: World, demo_hints: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    """Return a function that runs the command in the world of the tests."""

    def run() -> tuple[int, str]:
        root = ("--root-hints", str(demo_hints), "--dns-port", str(demo_world.port))
        return main(["reference-data", "check", "--from", str(folder), *root]), capsys.readouterr().out

    return run


def test_same_files_agree(check: Check, folder: Path) -> None:
    status, text = check()
    assert status == 0, text
    assert text.count(f"agrees with {folder}") == len(FILES)


@pytest.mark.parametrize("name", CHANGES)
def test_a_difference_is_named_with_advice(check: Check, folder: Path, name: str) -> None:
    old, new, expected = CHANGES[name]
    file = folder / name
    file.write_text(file.read_text().replace(old, new))
    status, text = check()
    assert status == 1
    assert expected in text
    assert "upgrade gonemaster" in text


@pytest.mark.parametrize("content", [None, "<html>"])
def test_a_source_that_cannot_be_read_is_a_warning(check: Check, folder: Path, content: str | None) -> None:
    (folder / "root-anchors.xml").unlink()
    if content:
        (folder / "root-anchors.xml").write_text(content)
    status, text = check()
    assert status == 1
    assert "root-anchors.xml: " in text
    assert "use --from DIR" in text


def test_a_root_server_confirms_private_hints(demo_world: World, demo_hints: Path) -> None:
    settings = load_settings({"root_hints_path": str(demo_hints), "dns_port": demo_world.port}, environ={})
    assert [result.state for result in check_root(settings)] == [CheckState.OK, CheckState.OK]


def test_old_hints_and_unknown_keys_are_warnings(demo_world: World, demo_hints: Path, tmp_path: Path) -> None:
    lines = [line for line in demo_hints.read_text().splitlines() if " DS " not in line]
    other = tmp_path / "hints"
    other.write_text("\n".join([*lines, f". 3600 IN DS 4711 13 2 {'ab' * 32}", ""]))
    settings = load_settings({"root_hints_path": str(other), "dns_port": demo_world.port}, environ={})
    hints, anchors = check_root(settings)
    assert (hints.state, anchors.state) == (CheckState.OK, CheckState.WARNING)
    assert "which is not among the trust anchors 4711" in anchors.text


def test_hints_older_than_a_year_are_a_warning_if_no_server_confirms_them(tmp_path: Path) -> None:
    file = tmp_path / "hints"
    file.write_text("; last update: November 7, 2019\n. 3600 NS a.root.\na.root. 3600 A 127.0.0.1\n")
    found, _ = check_root(load_settings({"root_hints_path": str(file), "dns_port": 1}, environ={}))
    assert found.state is CheckState.WARNING
    assert "root hints of 2019-11-07, older than a year" in found.text
