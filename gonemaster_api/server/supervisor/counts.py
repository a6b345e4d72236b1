"""The directory into which the API processes of one service count; it is empty at each start."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def counts_directory() -> Iterator[str]:
    """Make the directory, and remove it at the end.

    Its name differs at each start, since several services of one host may share a data directory or have none.
    """
    path, owner = tempfile.mkdtemp(prefix="gonemaster-counts-"), os.getpid()
    try:
        yield path
    finally:
        if os.getpid() == owner:  # a forked API process leaves this block, too
            shutil.rmtree(path, ignore_errors=True)
