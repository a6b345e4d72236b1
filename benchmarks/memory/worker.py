"""A worker process with the real engine that reports its memory when it receives a signal."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import tracemalloc
from pathlib import Path
from typing import Any

from gonemaster_engine.memory import release_free_memory
from gonemaster_tasks.worker.main import main

ASK = signal.SIGRTMIN
FOLDER = "GM_MEMORY_FOLDER"  # directory of the reports: <pid>.json, and <pid>.snapshot if allocations are traced
AS_IT_IS = "GM_MEMORY_AS_IT_IS"  # if set, free pages are not released before a report
_MALLINFO = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")


class _Mallinfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in _MALLINFO]


def held() -> dict[str, Any]:
    """Return the memory of Python and the C library: objects in Python's blocks, and bytes of the library's heaps."""
    figures: dict[str, Any] = {"blocks": sys.getallocatedblocks()}
    library = ctypes.CDLL(None)
    if hasattr(library, "mallinfo2"):
        library.mallinfo2.restype = _Mallinfo
        heaps = library.mallinfo2()
        figures |= {"heap_used": heaps.uordblks, "heap_free": heaps.fordblks}
    return figures


def tell(*_: object) -> None:
    """Write a report; its file name appears when the file is complete.

    Free pages are released first, as a worker does every two seconds, because their number varies in between.
    """
    if AS_IT_IS not in os.environ:
        release_free_memory()
    file = Path(os.environ[FOLDER]) / f"{os.getpid()}.json"
    if tracemalloc.is_tracing():
        tracemalloc.take_snapshot().dump(str(file.with_suffix(".snapshot")))
    scratch = file.with_suffix(".part")
    scratch.write_text(json.dumps(held()))
    scratch.rename(file)


if __name__ == "__main__":
    signal.signal(ASK, tell)
    sys.exit(main())
