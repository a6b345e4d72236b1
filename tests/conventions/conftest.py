"""All conventions are checked in one process: the syntax trees of the packages take 140 MB and seconds to build."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from tests.support.sources import syntax_trees


@pytest.fixture(scope="package", autouse=True)
def _trees_are_freed() -> Iterator[None]:
    yield
    syntax_trees.cache_clear()
    gc.collect()
