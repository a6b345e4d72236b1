"""Memory management of a process.

The garbage collector traverses many objects and finds no garbage; the heaps of the C library retain freed memory.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ctypes

# Parameters of mallopt, from glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_HEAPS = 2  # one for the engine's thread, one for all others
_LARGE_OCTETS = 128 * 1024  # the initial value of glibc, which would raise it up to 32 MiB

# New objects that trigger a collection of the youngest generation. Python's default of 2,000 is expensive.
_NEW_OBJECTS = 50_000
_NEW_OBJECTS_OF_ONE_RUN = 200_000
_YOUNG_COLLECTIONS = 10  # Python's default: collections of the youngest generation before one of older objects
# In a worker, runs create nearly all objects and leave no garbage. A collection of all the objects that hostile zones
# can create would block the event loop for a second.
_NEW_OBJECTS_OF_RUNS = 100_000
_YOUNG_COLLECTIONS_OF_RUNS = 50


@contextmanager
def without_collections() -> Iterator[None]:
    """Import modules with the garbage collector disabled, and exclude them from later collections.

    Modules live as long as the process, so traversing them during the import of a worker is wasted CPU time.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def collect_rarely(*, for_runs: bool = False) -> None:
    """Raise the collection threshold and exclude all current objects; call it when the process is set up.

    A run has no reference cycles (a test checks this), so it is freed without the garbage collector. Traversing the
    imported modules alone would block the process for a noticeable time.
    """
    gc.collect()
    gc.freeze()
    if for_runs:
        _collect_after(_NEW_OBJECTS_OF_RUNS, _YOUNG_COLLECTIONS_OF_RUNS)
    else:
        _collect_after(_NEW_OBJECTS, _YOUNG_COLLECTIONS)


@contextmanager
def process_of_one_run() -> Iterator[None]:
    """Collect rarely within the block, and not at exit; the block is all the work of the process.

    Python's last collection traverses all modules to free memory that the operating system reclaims anyway.
    """
    _collect_after(_NEW_OBJECTS_OF_ONE_RUN, _YOUNG_COLLECTIONS)
    yield
    gc.freeze()


def limit_heaps() -> None:
    """Limit the heaps of the C library, if it is glibc. Call it once, before the process starts threads.

    glibc creates a heap per thread, up to eight per core, and does not return free memory inside a heap.
    """
    library = _glibc()
    if library is not None:
        for parameter, value in (
            (_M_ARENA_MAX, _HEAPS),
            (_M_MMAP_THRESHOLD, _LARGE_OCTETS),
            (_M_TRIM_THRESHOLD, _LARGE_OCTETS),
        ):
            library.mallopt(parameter, value)


def release_free_memory() -> None:
    """Return free pages to the operating system.

    It takes milliseconds, during which Python's other threads continue.
    """
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


def resident_octets() -> int:
    """Return the resident memory of the process in bytes; 0 if /proc is not available."""
    try:
        with open("/proc/self/statm", "rb") as figures:  # noqa: PTH123 - a worker reads it in each beat
            pages = int(figures.read().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


@cache
def _glibc() -> ctypes.CDLL | None:
    import ctypes  # imported here: commands that perform one run do not need it

    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None


def _collect_after(new_objects: int, young_collections: int) -> None:
    gc.set_threshold(new_objects, young_collections, gc.get_threshold()[2])
