"""The directory for the counts of the API processes of one service; it is emptied at each start."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def counts_directory() -> Iterator[str]:
    """Create the directory, and remove it at the end.

    Its name differs at each start, because several services on one host may share a data directory or have none.
    """
    path, owner = tempfile.mkdtemp(prefix="gonemaster-counts-"), os.getpid()
    try:
        yield path
    finally:
        if os.getpid() == owner:  # a forked API process also leaves this block
            shutil.rmtree(path, ignore_errors=True)
