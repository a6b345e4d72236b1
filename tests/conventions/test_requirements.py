"""Each dependency has a minimum version, which `make test-lowest` installs."""

from __future__ import annotations

import configparser
import subprocess
import sys
import tomllib

from packaging.requirements import Requirement

from tests.support.sources import ROOT


def declared() -> list[Requirement]:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    extras = [text for name, text in parser["options.extras_require"].items() if name != "lint"]
    lines = [line.strip() for text in (parser["options"]["install_requires"], *extras) for line in text.splitlines()]
    client = tomllib.loads((ROOT / "client/pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines += [*client["dependencies"], *(line for extra in client["optional-dependencies"].values() for line in extra)]
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def test_the_lowest_version_of_each_dependency_is_pinned() -> None:
    command = [sys.executable, ".ci/lowest_versions.py"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    pins = {pin.name: next(iter(pin.specifier)) for pin in map(Requirement, printed)}
    expected = declared()
    assert set(pins) == {requirement.name for requirement in expected}
    for requirement in expected:
        pin = pins[requirement.name]
        assert pin.operator == "=="
        assert requirement.specifier.contains(pin.version)
        assert f">={pin.version}" in str(requirement.specifier).split(",")
