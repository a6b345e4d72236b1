"""The identity of processes on this machine: PID and start time, because PIDs are reused. Linux only."""

import os
from pathlib import Path

_PROC = Path("/proc")
_STATE, _START = 0, 19  # fields after the program name (proc_pid_stat(5): 3 and 22)
_ENDED = "ZX"  # a zombie has ended, even if its parent has not waited for it yet


def machine_id() -> str:
    """Return an id of the current boot of this machine and of the container; empty if it is unavailable."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{(_PROC / 'self/ns/pid').stat().st_ino}"
    except OSError:
        return ""


def identity(pid: int | None = None) -> str:
    """Return the identity of a running process, by default this one; empty if no process has this PID."""
    pid = os.getpid() if pid is None else pid
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return ""
    return "" if fields[_STATE] in _ENDED else f"{pid} {fields[_START]}"


def is_running(known: str) -> bool:
    """Return whether the process with an identity is still running or stopped by a signal."""
    pid = known.partition(" ")[0]
    return pid.isdigit() and identity(int(pid)) == known
