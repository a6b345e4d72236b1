"""The files in deploy/, parsed as the programs that use them do."""

from __future__ import annotations

import configparser
import importlib.util
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from gonemaster_tasks.config.settings import OPTIONS
from tests.support.sources import ROOT

DEPLOY = ROOT / "deploy"
COMPOSE = DEPLOY / "compose"
UNITS = DEPLOY / "systemd"
SETTINGS = {option.env for option in OPTIONS} | {"GONEMASTER_CONFIG"}
_TOOLS = ROOT / ".venv-tools" / "bin" / "python"


def tools_python() -> str:
    """Return the interpreter with the tools of `make .venv-tools/.ready`; skip the test if it does not exist."""
    if not (ROOT / ".venv-tools" / ".ready").exists():
        pytest.skip("NOT RUN: no .venv-tools: make .venv-tools/.ready makes it, as CI does")
    return str(_TOOLS)


def tools_python_or_ours() -> str:
    return str(_TOOLS) if _TOOLS.exists() else sys.executable


@cache
def module(path: str) -> ModuleType:
    """Load a script of the repository as a module, by its path."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec
    assert spec.loader
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


class Unit:
    """A systemd unit: its sections with all values of each key."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.text = path.read_text(encoding="utf-8")

    def __str__(self) -> str:
        return self.name

    def all(self, key: str) -> list[str]:
        return re.findall(rf"^{key}=(.*)$", self.text, re.MULTILINE)

    def single(self, key: str) -> str:
        (value,) = self.all(key)
        return value


def services() -> list[Unit]:
    return [Unit(path) for path in sorted(UNITS.glob("*.service"))]


@cache
def compose() -> dict[str, Any]:
    """Return compose.yaml with its anchors and merges resolved."""
    document: dict[str, Any] = yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))
    return document


@cache
def rendered(values: str) -> list[dict[str, Any]]:
    """Return the objects that Helm renders from the chart with one of the sets of values in deploy/check.py."""
    program = "import check, json, sys; print(json.dumps(check.rendered(check.VALUES[sys.argv[1]])))"
    done = subprocess.run(
        [tools_python(), "-c", program, values], cwd=DEPLOY, capture_output=True, text=True, check=True, timeout=60
    )
    objects: list[dict[str, Any]] = json.loads(done.stdout)
    return objects


def seconds(text: str) -> int:
    """Convert a duration of systemd or Compose to seconds."""
    found = re.fullmatch(r"(\d+)(s|m)?", text)
    assert found, text
    return int(found[1]) * (60 if found[2] == "m" else 1)


def setup_value(section: str, key: str) -> str:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser[section][key]
