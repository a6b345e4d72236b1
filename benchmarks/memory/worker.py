"""A worker process with the real engine that tells what it holds, when it is asked by a signal."""

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
FOLDER = "GM_MEMORY_FOLDER"  # where it tells: <pid>.json, and <pid>.snapshot where allocations are traced
AS_IT_IS = "GM_MEMORY_AS_IT_IS"  # set where free pages stay before it tells
_MALLINFO = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")


class _Mallinfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in _MALLINFO]


def held() -> dict[str, Any]:
    """What Python and the C library hold: objects in Python's own blocks, and octets of the library's heaps."""
    told: dict[str, Any] = {"blocks": sys.getallocatedblocks()}
    library = ctypes.CDLL(None)
    if hasattr(library, "mallinfo2"):
        library.mallinfo2.restype = _Mallinfo
        heaps = library.mallinfo2()
        told |= {"heap_used": heaps.uordblks, "heap_free": heaps.fordblks}
    return told


def tell(*_: object) -> None:
    """Write it down; the name of the file appears when all is in it.

    Free pages go back first, as they do every two seconds: what a process keeps meanwhile depends on the moment.
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
