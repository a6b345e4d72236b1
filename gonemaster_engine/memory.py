"""What a process of many runs does about the garbage collector, which has much to walk over and nothing to find."""

import gc

# Objects more than there were before the youngest are looked at. Python's 2,000 cost a quarter of a run's CPU.
_NEW_OBJECTS = 50_000


def spare_collections() -> None:
    """Collect seldom, and leave out all that is there now. Call it once, when the process is set up.

    A run has no reference cycles (a test holds it to that), so it is freed without the garbage collector when it ends.
    A walk over the imported modules alone takes 100 ms, in which nothing else happens in the process.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, *gc.get_threshold()[1:])
