"""`make lint` checks import contracts: the required contracts exist and cover the folders of each package."""

from __future__ import annotations

import configparser

import pytest

from tests.support.sources import PACKAGES, ROOT

PREFIX = "importlinter:contract:"


@pytest.fixture(scope="module")
def contracts() -> dict[str, dict[str, list[str]]]:
    """Return the options of each contract as lists of their lines."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return {
        section.removeprefix(PREFIX): {name: value.split("\n") for name, value in parser[section].items()}
        for section in parser.sections()
        if section.startswith(PREFIX)
    }


def test_the_layers_of_the_packages_are_a_contract(contracts: dict[str, dict[str, list[str]]]) -> None:
    layers = [line for line in contracts["layers"]["layers"] if line]
    assert layers == ["gonemaster_api", "gonemaster_tasks", "gonemaster_db | gonemaster_engine"]


@pytest.mark.parametrize(
    ("package", "foreign"),
    [
        ("gonemaster_engine", {"flask", "celery", "kombu", "redis", "sqlalchemy"}),
        ("gonemaster_db", {"flask", "celery", "kombu", "redis", "dns"}),
    ],
)
def test_the_lowest_packages_know_nothing_of_other_fields(
    contracts: dict[str, dict[str, list[str]]], package: str, foreign: set[str]
) -> None:
    forbidden = [
        set(options["forbidden_modules"])
        for options in contracts.values()
        if options["type"] == ["forbidden"] and package in options["source_modules"]
    ]
    assert any(foreign <= modules for modules in forbidden)


@pytest.mark.parametrize("package", ["gonemaster_engine", "gonemaster_tasks", "gonemaster_api", "gonemaster_client"])
def test_the_rooms_of_a_package_have_layers(contracts: dict[str, dict[str, list[str]]], package: str) -> None:
    layered = [
        options
        for options in contracts.values()
        if options["type"] == ["layers"] and package in options.get("containers", [])
    ]
    assert len(layered) == 1
    assert package in PACKAGES
    named = {
        room.strip() for line in layered[0]["layers"] for room in line.replace(":", "|").split("|") if room.strip()
    }
    there = {path.name for path in (ROOT / package).iterdir() if (path / "__init__.py").exists()}
    assert there <= {room.partition(".")[0] for room in named} | {"locale", "data"}


def test_every_room_of_the_tasks_but_the_broker_is_kept_from_the_client_of_redis(
    contracts: dict[str, dict[str, list[str]]],
) -> None:
    rooms = (ROOT / "gonemaster_tasks").iterdir()
    names = {path.stem for path in rooms if path.suffix in ("", ".py") and not path.name.startswith("_")}
    allowed = {"broker", "errors", "logs", "queues"}  # the broker, and the layers below it
    kept = {line.removeprefix("gonemaster_tasks.") for line in contracts["redis"]["source_modules"] if line}
    assert kept == {"gonemaster_api", *names} - allowed
