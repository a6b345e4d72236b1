"""What a process does about its memory.

The garbage collector has much to walk over and nothing to find; the heaps of the C library keep what was freed.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ctypes

# Parameters of mallopt, from glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_HEAPS = 2  # of the engine's thread and of all others
_LARGE_OCTETS = 128 * 1024  # glibc's own first value, which it raises up to 32 MiB as large blocks come and go

# Objects more than there were before the youngest are looked at. Python's 2,000 cost a quarter of a run's CPU.
_NEW_OBJECTS = 50_000
NEW_OBJECTS_OF_RUNS = (
    200_000  # where nearly all is made by runs: they leave no garbage, and sixteen have more than 50,000
)


@contextmanager
def without_collections() -> Iterator[None]:
    """Import without the garbage collector, and leave out what was imported from then on.

    Modules stay for the life of the process. The walks over those that are there already take a fifth of the CPU of
    importing a worker.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def spare_collections(new_objects: int = _NEW_OBJECTS) -> None:
    """Collect after so many new objects only, and leave out all that is there now. For a process that is set up.

    A run has no reference cycles (a test holds it to that), so it is freed without the garbage collector when it ends.
    A walk over the imported modules alone takes 100 ms, in which nothing else happens in the process.
    """
    gc.collect()
    gc.freeze()
    _collect_after(new_objects)


@contextmanager
def process_of_one_run() -> Iterator[None]:
    """Collect seldom in the block, which is all that the process is for, and not at all when the process ends after it.

    Python's last collection walks over each module once more, to free what the operating system takes back anyway.
    """
    _collect_after(NEW_OBJECTS_OF_RUNS)
    yield
    gc.freeze()


def keep_heaps_small() -> None:
    """Bound the heaps of the C library, if it is glibc. Call it once, before the process starts its threads.

    glibc gives threads a heap each, up to eight for each core, and none of them gives back what is free in its midst.
    """
    library = _glibc()
    if library is not None:
        for parameter, value in (
            (_M_ARENA_MAX, _HEAPS),
            (_M_MMAP_THRESHOLD, _LARGE_OCTETS),
            (_M_TRIM_THRESHOLD, _LARGE_OCTETS),
        ):
            library.mallopt(parameter, value)


def give_back_free_memory() -> None:
    """Give the pages in which all is free back to the operating system: 2 to 5 ms, in which Python's threads go on."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


def resident_octets() -> int:
    """Return how much memory the process has in use; 0 where only other systems than Linux would tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


@cache
def _glibc() -> ctypes.CDLL | None:
    import ctypes  # here, since commands that make one run do without it

    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None


def _collect_after(new_objects: int) -> None:
    gc.set_threshold(new_objects, *gc.get_threshold()[1:])
