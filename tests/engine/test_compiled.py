"""The modules of the compiled engine are compiled in its wheel, and only there."""

from __future__ import annotations

import importlib
import os
from importlib.machinery import EXTENSION_SUFFIXES

import pytest

from gonemaster_engine.version import engine_kind
from tests.support.sources import compiled_modules

IS_COMPILED = os.environ.get("GONEMASTER_COMPILED") == "1"  # set by `make test-compiled`


def test_the_version_names_the_kind_of_the_engine() -> None:
    assert engine_kind() == ("compiled" if IS_COMPILED else "interpreted")


@pytest.mark.parametrize("name", compiled_modules())
def test_a_listed_module_is_compiled_in_the_wheel_only(name: str) -> None:
    file = importlib.import_module(name).__file__ or ""
    assert file.endswith(tuple(EXTENSION_SUFFIXES)) is IS_COMPILED, file
