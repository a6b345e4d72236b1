"""The tests of the engine wait for servers in the same process, so no pause of the interpreter may be long."""

from __future__ import annotations

import gc


def pytest_collection_finish() -> None:
    """Keep the worlds that were described at import out of each full collection: one took two seconds."""
    gc.collect()
    gc.freeze()
