"""How many files, sockets among them, this process may have open."""

import resource
import sys


def open_files_limit() -> int:
    """Return the limit of this process; `sys.maxsize` where there is none."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def raise_open_files_limit(needed: int) -> int:
    """Raise the limit to what is needed, as far as the system permits; return the limit then.

    The customary limit of 1,024 is there for programs that use select(), which none of ours does.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (needed if hard == resource.RLIM_INFINITY else min(needed, hard), hard)
        )
    return open_files_limit()
