"""The limit of open files, including sockets, of this process."""

import resource
import sys


def open_files_limit() -> int:
    """Return the limit of this process; `sys.maxsize` if there is none."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def raise_open_files_limit(needed: int) -> int:
    """Raise the limit to `needed`, as far as the system permits; return the resulting limit.

    The usual limit of 1,024 exists for programs that use select(), which this project does not use.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (needed if hard == resource.RLIM_INFINITY else min(needed, hard), hard)
        )
    return open_files_limit()
