"""`gonemaster-server dsync`, with a parent zone and a receiver on real sockets."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from gonemaster_api.server.cli import main
from tests.engine.testcases.test_delegation08 import ADDRESS, endpoint
from tests.engine.zone.test_dsync import FOR_CDS, TARGET, line, parent_with
from tests.support.dnsworld import World


def options(world: World, directory: Path) -> list[str]:
    hints = world.write_hints(directory / "root.hints")
    return [
        "--root-hints",
        str(hints),
        "--dns-port",
        str(world.port),
        "--allow-non-global",
        "--data-dir",
        str(directory),
    ]


def test_an_endpoint_that_answers_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with endpoint() as (port, received):
        record = dataclasses.replace(FOR_CDS, port=port)
        with parent_with(f"{line('*._dsync', record)}\n{ADDRESS}") as world:
            assert main(["dsync", "example.xa", *options(world, tmp_path)]) == 0
    assert capsys.readouterr().out == f"{TARGET} port {port}, 127.0.0.1: NOERROR\n"
    assert len(received) == 1


@pytest.mark.parametrize(
    ("domain", "code", "text"),
    [
        ("example.xa", 1, "example.xa: the parent zone publishes no DSYNC record for CDS"),
        ("example.xb", 1, "example.xb: the parent zone is unknown or did not answer"),
        ("a..b", 2, "'a..b' is not a valid domain name"),
    ],
)
def test_what_is_missing_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], domain: str, code: int, text: str
) -> None:
    with parent_with("") as world:
        assert main(["dsync", domain, *options(world, tmp_path)]) == code
    printed = capsys.readouterr()
    assert text in (printed.out if code == 1 else printed.err)
