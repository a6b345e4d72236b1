"""Start a program that ends with its parent: `python launch.py PARENT SIGNAL PROGRAM [ARGUMENT ...]`.

Without it a supervisor that is killed would leave its children behind. The kernel keeps the wish over exec; it
is a Linux one, elsewhere the program is started plainly.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Ask the kernel for SIGNAL when PARENT ends, then become PROGRAM."""
    parent, signal_number, *command = arguments
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)
        if os.getppid() != int(parent):  # it ended before the wish was heard
            sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - the supervisor names the program


if __name__ == "__main__":
    main(sys.argv[1:])
