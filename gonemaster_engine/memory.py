"""What a process does about the garbage collector, which has much to walk over and nothing to find."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# Objects more than there were before the youngest are looked at. Python's 2,000 cost a quarter of a run's CPU.
_NEW_OBJECTS = 50_000


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


def spare_collections() -> None:
    """Collect seldom, and leave out all that is there now. Call it once, when the process is set up.

    A run has no reference cycles (a test holds it to that), so it is freed without the garbage collector when it ends.
    A walk over the imported modules alone takes 100 ms, in which nothing else happens in the process.
    """
    gc.collect()
    gc.freeze()
    _collect_seldom()


@contextmanager
def process_of_one_run() -> Iterator[None]:
    """Collect seldom in the block, which is all that the process is for, and not at all when the process ends after it.

    Python's last collection walks over each module once more, to free what the operating system takes back anyway.
    """
    _collect_seldom()
    yield
    gc.freeze()


def _collect_seldom() -> None:
    gc.set_threshold(_NEW_OBJECTS, *gc.get_threshold()[1:])
