"""Start a program that is stopped when its parent dies: `python launch.py PARENT SIGNAL PROGRAM [ARGUMENT ...]`.

A supervisor that is killed with SIGKILL, which it cannot handle, would otherwise leave its children running. The kernel
setting survives exec and exists only on Linux; on other systems the program starts without it.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Replace this process with PROGRAM, which receives SIGNAL when PARENT ends."""
    parent, signal_number, *command = arguments
    if sys.platform == "linux":
        end_with_parent(int(parent), int(signal_number))
    os.execvp(command[0], command)  # noqa: S606 - the supervisor names the program


def end_with_parent(parent: int, signal_number: int) -> None:
    """Ask the kernel for a signal to this process when its parent ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent:  # The parent died before prctl took effect, so the signal would never arrive.
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
