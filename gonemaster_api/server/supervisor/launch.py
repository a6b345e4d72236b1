"""Start a program that is stopped when its parent dies: `python launch.py PARENT SIGNAL PROGRAM [ARGUMENT ...]`.

Without it a supervisor that is killed (SIGKILL cannot be handled) would leave its children running. The setting
survives exec and exists on Linux only; elsewhere the program is started without it.
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
        if os.getppid() != int(parent):  # the parent died before prctl took effect, so no signal would ever come
            sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - the supervisor names the program


if __name__ == "__main__":
    main(sys.argv[1:])
