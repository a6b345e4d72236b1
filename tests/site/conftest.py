"""The site, built once for all tests of this folder that need it."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.site.__main__ import build


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the built site, whose version is 1.0.0."""
    out = tmp_path_factory.mktemp("site")
    build(out, "1.0.0")
    return out / "html"
