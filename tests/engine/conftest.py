"""Settings for engine tests, which wait for servers in the same process: the interpreter must not pause for long."""

from __future__ import annotations

import gc


def pytest_collection_finish() -> None:
    """Exclude the worlds that were described at import from full collections, which would take seconds."""
    gc.collect()
    gc.freeze()
